//! Filters that parse, filters that do not, and hostile ones.
use proptest::prelude::*;

use super::ast::{Expr, Func, Op, Value};
use super::prop::{Prop, Set};
use super::*;

#[test]
fn precedence_and_literals() {
    let filter = parse_filter("isRead eq false or isRead eq true and not (subject eq 'it''s')").unwrap();
    let Expr::Or(_, right) = &filter.expr else { panic!("{filter:?}") };
    let Expr::And(_, not) = right.as_ref() else { panic!("{filter:?}") };
    let text = Expr::Compare(Prop::Subject, Op::Eq, Value::Text("it's".to_owned()));
    assert_eq!(**not, Expr::Not(Box::new(text)));
    assert_eq!(filter.paths, ["isRead", "subject"]);
    for date in ["2026-01-05", "2026-01-05T10:00:00Z", "2026-01-05T10:00:00.123+09:00"] {
        assert!(parse_filter(&format!("receivedDateTime ge {date}")).is_ok(), "{date}");
    }
    let turned = parse_filter("2026-01-05 le receivedDateTime").unwrap().expr;
    assert!(matches!(turned, Expr::Compare(Prop::Received, Op::Ge, Value::Date(_))));
}

#[test]
fn functions_and_lambdas() {
    let call = parse_filter("contains(from/emailAddress/name,'Bo')").unwrap().expr;
    assert_eq!(call, Expr::Call(Func::Contains, Prop::FromName, "bo".to_owned()));
    let any = parse_filter(
        "toRecipients/any(r:r/emailAddress/address eq 'a@b' or startswith(r/emailAddress/name,'A'))",
    )
    .unwrap()
    .expr;
    assert!(matches!(any, Expr::Any(Set::To, Some(_))));
    assert_eq!(parse_filter("categories/any()").unwrap().expr, Expr::Any(Set::Categories, None));
    assert!(matches!(
        parse_filter("categories/all(c:c ne 'x')").unwrap().expr,
        Expr::All(Set::Categories, _)
    ));
}

#[test]
fn what_does_not_fit_is_refused() {
    for bad in [
        "",
        " ",
        "(",
        ")",
        "isRead eq",
        "eq false",
        "isRead eq false and",
        "isRead = false",
        "isRead eq 'false'",
        "subject eq 5 5",
        "subject eq 'open",
        "receivedDateTime ge yesterday",
        "receivedDateTime ge 2026-13-45",
        "importance eq 'extreme'",
        "contains(isRead,'x')",
        "contains(subject)",
        "contains(subject,'x'",
        "nonsense/path eq 'x'",
        "subject eq subject",
        "toRecipients/any(r:r/nonsense eq 'x')",
        "toRecipients/any(r:categories/any(c:c eq 'x'))",
        "subject",
        "'a' eq 'a'",
        "isRead eq false; drop",
        "subject eq \"double\"",
        "not",
        "null eq null",
    ] {
        assert!(parse_filter(bad).is_err(), "{bad}");
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = format!("{}isRead eq true{}", "(".repeat(100_000), ")".repeat(100_000));
    assert!(parse_filter(&deep).is_err());
    assert!(parse_filter(&format!("{}isRead eq true{}", "(".repeat(5000), ")".repeat(5000))).is_err());
    assert!(parse_filter(&format!("{}isRead", "not ".repeat(4000))).is_err());
    assert!(parse_filter(&vec!["isRead eq true"; 1000].join(" or ")).is_err());
    assert!(parse_filter(&format!("{}isRead eq true{}", "(".repeat(20), ")".repeat(20))).is_ok());
}

#[test]
fn the_order_must_lead_the_filter() {
    let check = |filter: &str, order: &str| {
        order_is_efficient(&parse_filter(filter).unwrap(), &parse_orderby(order).unwrap())
    };
    assert!(check("receivedDateTime ge 2020-01-01 and isRead eq true", "receivedDateTime desc"));
    assert!(check("receivedDateTime ge 2020-01-01 and subject eq 'x'", "receivedDateTime desc,subject"));
    assert!(!check("isRead eq true and receivedDateTime ge 2020-01-01", "receivedDateTime desc"));
    assert!(!check("isRead eq true", "receivedDateTime"));
    assert!(!check("subject eq 'x' and receivedDateTime ge 2020-01-01", "receivedDateTime,subject"));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,200}") {
        let _ = parse_filter(&text);
        let _ = parse_orderby(&text);
    }

    #[test]
    fn no_mix_of_tokens_makes_the_parser_panic(parts in proptest::collection::vec(
        prop_oneof![Just("("), Just(")"), Just("'"), Just("''"), Just("not"), Just("and"), Just("eq"), Just("subject"),
            Just("toRecipients/any"), Just("r:"), Just("contains"), Just(","), Just("2026-01-01"), Just("true"), Just("/"), Just("null")], 0..60)) {
        let _ = parse_filter(&parts.join(" "));
        let _ = parse_filter(&parts.concat());
    }

    #[test]
    fn any_text_can_be_a_quoted_literal(text in "\\PC{0,60}") {
        let filter = parse_filter(&format!("subject eq '{}'", text.replace('\'', "''"))).unwrap();
        prop_assert_eq!(filter.expr, Expr::Compare(Prop::Subject, Op::Eq, Value::Text(text.to_lowercase())));
    }
}
