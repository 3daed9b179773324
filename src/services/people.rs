//! People that a caller names. Only whole addresses count: a name that is looked up could be somebody else's.

use crate::tools::error::ToolError;
use serde_json::{Value, json};

/// Most people of one event or message (Exchange allows 500).
const MAX_PEOPLE: usize = 500;

/// Input property for mail addresses.
pub(super) fn people_schema(description: &str) -> Value {
    json!({"type": "array", "items": {"type": "string"}, "description": description})
}

/// Addresses of an argument: `address` or `Name <address>`, each once.
pub(super) fn addresses(field: &str, people: &[String]) -> Result<Vec<String>, ToolError> {
    if people.len() > MAX_PEOPLE {
        return Err(ToolError::invalid(field, format!("`{field}` may name {MAX_PEOPLE} people.")));
    }
    let mut out: Vec<String> = Vec::new();
    for person in people {
        let inner =
            person.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(inner, _)| inner);
        let address = inner.unwrap_or(person).trim();
        if !is_address(address) {
            let shown: String = person.chars().filter(|c| !c.is_control()).take(60).collect();
            let text = format!("`{field}` takes mail addresses such as bob@example.com, got \"{shown}\".");
            return Err(ToolError::invalid(field, text));
        }
        if !out.iter().any(|known| known.eq_ignore_ascii_case(address)) {
            out.push(address.to_owned());
        }
    }
    Ok(out)
}

fn is_address(text: &str) -> bool {
    // What cannot be seen would let one address look like another in a preview.
    let unseen = |c: char| matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let odd = |c: char| {
        c.is_whitespace() || c.is_control() || unseen(c) || matches!(c, '<' | '>' | ',' | ';' | '"' | '\\')
    };
    let parts = text.split_once('@').filter(|(local, domain)| !local.is_empty() && domain.len() > 2);
    text.len() <= 254 && !text.contains(odd) && parts.is_some_and(|(_, domain)| !domain.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_is_named() {
        let people = |text: &str| addresses("attendees", &[text.to_owned()]);
        assert_eq!(people("Bob <bob@contoso.example>").unwrap(), ["bob@contoso.example"]);
        assert_eq!(people("o'hara+x@sub-domain.example").unwrap(), ["o'hara+x@sub-domain.example"]);
        for odd in [
            "bob",
            "@x.example",
            "a@b@c.example",
            "a b@c.example",
            "a@b.example;c@d.example",
            "<>",
            "a@\nb.example",
            "bob@contoso.example\r\nBcc: eve@fabrikam.example",
            "bob@contoso\u{200b}.example",
            "\u{202e}bob@contoso.example",
        ] {
            assert!(people(odd).unwrap_err().public.contains("attendees"), "{odd}");
        }
    }
}
