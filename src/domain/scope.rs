//! Scope algebra (RFC 6749 §3.3): ordered sets of Graph delegated permission names and the OIDC scopes.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// A set of scopes; prints as the space-separated wire form. Every call carries its own, so a clone shares it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScopeSet(Arc<BTreeSet<String>>);

impl ScopeSet {
    /// Reads the wire form; order and repetition do not matter.
    pub(crate) fn parse(text: &str) -> Self {
        text.split_ascii_whitespace().map(ToOwned::to_owned).collect()
    }

    pub(crate) fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        self.0.union(&other.0).cloned().collect()
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        self.0.intersection(&other.0).cloned().collect()
    }

    pub(crate) fn difference(&self, other: &Self) -> Self {
        self.0.difference(&other.0).cloned().collect()
    }

    pub(crate) fn is_subset(&self, of: &Self) -> bool {
        self.0.is_subset(&of.0)
    }

    /// Those that let nobody change or send anything.
    pub(crate) fn reading(&self) -> Self {
        let writes = |scope: &str| ["ReadWrite", ".Send", ".Create"].iter().any(|part| scope.contains(part));
        self.0.iter().filter(|scope| !writes(scope)).cloned().collect()
    }

    /// Those that a person can grant alone.
    pub(crate) fn without_admin(&self) -> Self {
        self.0.iter().filter(|scope| !needs_admin(scope)).cloned().collect()
    }

    /// Those that many people need: not those for mailboxes of others, which few work in.
    pub(crate) fn everyday(&self) -> Self {
        self.0.iter().filter(|scope| !is_seldom_needed(scope)).cloned().collect()
    }

    /// Whether `needed` is granted here. Broader Graph permissions imply narrower ones.
    pub(crate) fn allows(&self, needed: &str) -> bool {
        self.contains(needed) || implied_by(needed).iter().any(|broader| self.contains(broader))
    }
}

/// Whether only those need it who work in mailboxes or calendars of others. Reading others' calendars is not among them:
/// times that suit everybody are found with it.
fn is_seldom_needed(scope: &str) -> bool {
    scope.ends_with(".Shared") && scope != "Calendars.Read.Shared"
}

/// The permission that does in mailboxes and calendars of others, as far as they are open to the user, what `scope` does
/// in one's own.
pub(crate) fn for_others(scope: &str) -> Option<&'static str> {
    Some(match scope {
        "Mail.Read" => "Mail.Read.Shared",
        "Mail.ReadWrite" => "Mail.ReadWrite.Shared",
        "Mail.Send" => "Mail.Send.Shared",
        "Calendars.Read" => "Calendars.Read.Shared",
        "Calendars.ReadWrite" => "Calendars.ReadWrite.Shared",
        _ => return None,
    })
}

/// Whether only an administrator can grant a delegated permission ("AdminConsentRequired" in Graph's permissions
/// reference); of the others a tenant may still demand it.
fn needs_admin(scope: &str) -> bool {
    const ADMIN: &[&str] = &[
        "ChannelMember.Read.All",
        "ChannelMessage.Read.All",
        "OnlineMeetingTranscript.Read.All",
        "Place.Read.All",
        "TeamMember.Read.All",
    ];
    ADMIN.contains(&scope)
}

/// Graph permissions that include `scope`.
fn implied_by(scope: &str) -> &'static [&'static str] {
    match scope {
        "Mail.ReadBasic" => &["Mail.Read", "Mail.ReadWrite"],
        "Mail.Read" => &["Mail.ReadWrite"],
        "Mail.Read.Shared" => &["Mail.ReadWrite.Shared"],
        "Calendars.Read" => &["Calendars.ReadWrite"],
        "Calendars.Read.Shared" => &["Calendars.ReadWrite.Shared"],
        "Chat.ReadBasic" => &["Chat.Read", "Chat.ReadWrite"],
        "Chat.Read" | "Chat.Create" | "ChatMessage.Send" => &["Chat.ReadWrite"],
        "Presence.Read" => &["Presence.Read.All"],
        "Files.Read" => &["Files.ReadWrite", "Files.Read.All", "Files.ReadWrite.All"],
        "Files.ReadWrite" | "Files.Read.All" => &["Files.ReadWrite.All"],
        "Notes.Read" | "Notes.Create" => &["Notes.ReadWrite"],
        "MailboxSettings.Read" => &["MailboxSettings.ReadWrite"],
        _ => &[],
    }
}

impl FromIterator<String> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = String>>(iter: I) -> Self {
        Self(Arc::new(iter.into_iter().collect()))
    }
}

impl<'a> FromIterator<&'a str> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = &'a str>>(iter: I) -> Self {
        iter.into_iter().map(ToOwned::to_owned).collect()
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope)?;
        }
        Ok(())
    }
}

impl Serialize for ScopeSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ScopeSet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_sorted_and_free_of_repetition() {
        assert_eq!(ScopeSet::parse(" b  a b\ta ").to_string(), "a b");
    }

    #[test]
    fn what_only_reads_sends_and_creates_nothing() {
        let all = ScopeSet::parse(
            "Mail.Read Mail.ReadWrite Mail.Send Chat.Create ChatMessage.Send Files.Read.All User.Read",
        );
        assert_eq!(all.reading().to_string(), "Files.Read.All Mail.Read User.Read");
    }

    #[test]
    fn what_a_person_can_grant_alone_is_told_apart() {
        let all = ScopeSet::parse("Calendars.Read Place.Read.All Files.Read.All");
        assert_eq!(all.without_admin().to_string(), "Calendars.Read Files.Read.All");
    }

    #[test]
    fn what_is_for_mailboxes_of_others_is_for_few() {
        let all =
            ScopeSet::parse("Mail.Read Mail.Send.Shared Calendars.Read.Shared Calendars.ReadWrite.Shared");
        assert_eq!(all.everyday().to_string(), "Calendars.Read.Shared Mail.Read");
        assert_eq!(for_others("Mail.Read"), Some("Mail.Read.Shared"));
        assert_eq!(for_others("Files.Read"), None);
        // One's own mail and that of others are two things.
        assert!(!ScopeSet::parse("Mail.ReadWrite").allows("Mail.Read.Shared"));
        assert!(ScopeSet::parse("Mail.ReadWrite.Shared").allows("Mail.Read.Shared"));
    }

    #[test]
    fn a_broader_permission_allows_a_narrower_one_and_not_the_reverse() {
        assert!(ScopeSet::parse("Mail.ReadWrite").allows("Mail.Read"));
        assert!(!ScopeSet::parse("Mail.ReadBasic").allows("Mail.Read"));
        let all = ScopeSet::parse("Files.ReadWrite.All");
        assert!(["Files.Read", "Files.ReadWrite", "Files.Read.All"].iter().all(|scope| all.allows(scope)));
        // Writing one's own files opens nobody else's.
        assert!(!ScopeSet::parse("Files.ReadWrite").allows("Files.Read.All"));
        assert!(!ScopeSet::parse("Files.Read.All").allows("Files.ReadWrite"));
    }
}
