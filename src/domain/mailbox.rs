//! A mailbox that is not the caller's own: its address, and the ids of what lies in it.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Stands between the address and the id; neither holds one.
const MARK: char = ':';
/// Longest address (RFC 5321 §4.5.3.1.3).
const MAX_ADDRESS: usize = 254;
/// Signs of a local part beside letters and digits (`atext` of RFC 5322 §3.2.3, without those that mean something in a
/// path or before an id).
const SIGNS: &str = ".!$&'*+-=^_`{|}~";

/// The SMTP address of a shared or delegated mailbox, in lower case. It goes into the path of a request and in front of
/// ids, so it holds nothing that could end it there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Mailbox(Arc<str>);

impl Mailbox {
    /// Reads an address such as `support@contoso.com`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (local, domain) = text.split_once('@')?;
        let is_local = |c: char| c.is_ascii_alphanumeric() || SIGNS.contains(c);
        let is_label = |label: &str| {
            let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
            !label.is_empty() && label.chars().all(inner) && !label.starts_with('-') && !label.ends_with('-')
        };
        let is_address = !local.is_empty()
            && local.chars().all(is_local)
            && domain.contains('.')
            && domain.split('.').all(is_label)
            && text.len() <= MAX_ADDRESS;
        is_address.then(|| Self(text.to_ascii_lowercase().into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// An id of this mailbox as callers get it: `support@contoso.com:AAMk…`, so that it leads back here by itself.
    pub(crate) fn marked(&self, id: &str) -> String {
        if id.is_empty() { String::new() } else { format!("{self}{MARK}{id}") }
    }

    /// What [`Self::marked`] put together; other texts as they are.
    pub(crate) fn split(text: &str) -> (Option<Self>, &str) {
        let apart = text.split_once(MARK).and_then(|(address, id)| Some((Self::parse(address)?, id)));
        apart.map_or((None, text), |(mailbox, id)| (Some(mailbox), id))
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_is_an_address_and_no_path() {
        for text in ["support@contoso.example", "Erin.O'Neil+x@sub-domain.contoso.example", "a_b@x.kr"] {
            assert_eq!(Mailbox::parse(text).unwrap().as_str(), text.to_ascii_lowercase());
        }
        let long = format!("{}@contoso.example", "x".repeat(300));
        for text in [
            "",
            "support",
            "support@contoso",
            "@contoso.example",
            "support@",
            "support@contoso..example",
            "support@-contoso.example",
            "a@b@contoso.example",
            "../me@contoso.example",
            "a/b@contoso.example",
            "a%2fb@contoso.example",
            "a?b@contoso.example",
            "a#b@contoso.example",
            "a:b@contoso.example",
            "a b@contoso.example",
            "a@contoso.example/messages",
            "a@contoso.example\n",
            "한글@contoso.example",
            "Support <support@contoso.example>",
            &long,
        ] {
            assert_eq!(Mailbox::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ids_lead_back_to_their_mailbox_and_others_stay_as_they_are() {
        let support = Mailbox::parse("Support@contoso.example").unwrap();
        let marked = support.marked("AAMk/x+y==");
        assert_eq!(marked, "support@contoso.example:AAMk/x+y==");
        assert_eq!(Mailbox::split(&marked), (Some(support.clone()), "AAMk/x+y=="));
        assert_eq!(support.marked(""), "");
        for plain in ["AAMk/x+y==", "", ":", "a:b", "Re: a@b", "Projects: x@y.example:z w"] {
            assert_eq!(Mailbox::split(plain), (None, plain));
        }
    }

    proptest! {
        #[test]
        fn whatever_the_id_is_it_comes_out_whole(id in ".+") {
            let mailbox = Mailbox::parse("o'hara@contoso.example").unwrap();
            let marked = mailbox.marked(&id);
            prop_assert_eq!(Mailbox::split(&marked), (Some(mailbox), &*id));
        }
    }
}
