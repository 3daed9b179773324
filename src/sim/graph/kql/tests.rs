//! Searches that parse, searches that do not, and hostile ones.
use proptest::prelude::*;

use super::parser::{Node, Place, parse, words};

fn anywhere(words: &[&str], prefix: bool) -> Node {
    Node::Words { place: Place::Anywhere, words: words.iter().map(ToString::to_string).collect(), prefix }
}

#[test]
fn words_phrases_and_operators() {
    assert_eq!(parse("Crane").unwrap(), anywhere(&["crane"], false));
    assert_eq!(parse("cran*").unwrap(), anywhere(&["cran"], true));
    assert_eq!(parse("\"harbor crane\"").unwrap(), anywhere(&["harbor", "crane"], false));
    let (a, b, c) = (anywhere(&["a"], false), anywhere(&["b"], false), anywhere(&["c"], false));
    assert_eq!(parse("a b OR c").unwrap(), Node::Or(vec![Node::And(vec![a.clone(), b.clone()]), c.clone()]));
    assert_eq!(parse("a AND (b OR c)").unwrap(), Node::And(vec![a.clone(), Node::Or(vec![b.clone(), c])]));
    assert_eq!(parse("a NOT b").unwrap(), Node::And(vec![a.clone(), Node::Not(Box::new(b.clone()))]));
    assert_eq!(parse("a -b").unwrap(), parse("a NOT b").unwrap());
    assert_eq!(parse("\"AND\"").unwrap(), anywhere(&["and"], false));
}

#[test]
fn properties() {
    let from = Node::Words {
        place: Place::From,
        words: vec!["maria".into(), "rossi".into(), "example".into()],
        prefix: false,
    };
    assert_eq!(parse("from:maria.rossi@example").unwrap(), from);
    assert!(matches!(parse("received>=2026-01-05").unwrap(), Node::Date { from: Some(_), to: None, .. }));
    assert!(matches!(
        parse("received:2026-01-05..2026-02-01").unwrap(),
        Node::Date { from: Some(_), to: Some(_), .. }
    ));
    assert_eq!(parse("hasattachments:yes").unwrap(), Node::HasAttachments(true));
    assert_eq!(parse("size>100").unwrap(), Node::Size(Some(101), None));
    assert_eq!(parse("10:30").unwrap(), anywhere(&["10", "30"], false));
}

#[test]
fn particles_stay_on_korean_words() {
    assert_eq!(
        words("계약서를 첨부, contract-42").collect::<Vec<_>>(),
        ["계약서를", "첨부", "contract", "42"]
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    for bad in [
        "",
        "  ",
        "(",
        ")",
        "(a",
        "a)",
        "\"open",
        "from:",
        "AND",
        "a AND",
        "OR b",
        "received>=tomorrow",
        "hasattachments:maybe",
        "!!!",
        "size>big",
        "NOT",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
    assert!(parse(&"(".repeat(100_000)).is_err());
    assert!(parse(&format!("{}a{}", "(".repeat(60), ")".repeat(60))).is_err());
    assert!(parse(&"a ".repeat(10_000)).is_err());
    assert!(parse(&format!("{}a", "NOT ".repeat(100))).is_err());
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,200}") {
        let _ = parse(&text);
    }
}
