//! Who works at the simulated company: the people that Entra signs in and Graph shows.

use parking_lot::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// The one tenant of the simulator (fixed, so that tests and logs are comparable between runs).
pub(crate) const TENANT_ID: &str = "6f1d3c2e-9a4b-4c7d-8e21-0b5a7c9d1e3f";
/// The verified domain of the tenant; usable in tenant paths like the GUID.
pub(crate) const TENANT_DOMAIN: &str = "contoso.example";

/// The group that everybody of the tenant is in.
const EVERYBODY: &str = "e0e0e0e0-51a7-4c2b-9f10-7d3b6a000001";

/// The people of one tenant.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) tenant_id: String,
    pub(crate) people: Vec<Person>,
    /// Accounts that nobody signs in to, with mailboxes that people share.
    pub(crate) shared: Vec<Person>,
}

/// How far something of another is open to a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Access {
    #[default]
    None,
    Read,
    Write,
}

/// What a person may do in the mailbox of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rights {
    pub(crate) mail: Access,
    pub(crate) calendar: Access,
    /// Send as that mailbox.
    pub(crate) send: bool,
}

/// Mailbox, person, and what that person may do there.
const DELEGATED: [(&str, &str, Rights); 4] = [
    ("support", "alice", Rights { mail: Access::Write, calendar: Access::Write, send: true }),
    ("support", "minji", Rights { mail: Access::Read, calendar: Access::Read, send: false }),
    ("invoices", "alice", Rights { mail: Access::Write, calendar: Access::None, send: false }),
    ("alice", "bob", Rights { mail: Access::None, calendar: Access::Read, send: false }),
];

/// One account with a mailbox.
#[derive(Debug)]
pub(crate) struct Person {
    /// Object id, a GUID: the only stable name of a person.
    pub(crate) oid: String,
    /// Sign-in name, lower case.
    pub(crate) upn: String,
    pub(crate) mail: String,
    pub(crate) display_name: String,
    pub(crate) given_name: String,
    pub(crate) surname: String,
    pub(crate) job_title: String,
    /// BCP 47, as Graph's `preferredLanguage`.
    pub(crate) locale: String,
    /// Windows name, as Graph's `mailboxSettings.timeZone`.
    pub(crate) time_zone: String,
    disabled: AtomicBool,
    memberships: RwLock<Memberships>,
}

/// What an administrator has put a person into.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memberships {
    /// Object ids of groups, direct and inherited ones alike.
    pub(crate) groups: Vec<String>,
    /// Values of the application's roles.
    pub(crate) roles: Vec<String>,
}

impl Person {
    /// The part of the address before the `@`.
    pub(crate) fn key(&self) -> &str {
        self.upn.split('@').next().unwrap_or_default()
    }

    fn new(
        [oid, name, display_name, given_name, surname, job_title, locale, time_zone]: [&str; 8],
        disabled: bool,
    ) -> Self {
        Self {
            oid: oid.to_owned(),
            upn: format!("{name}@{TENANT_DOMAIN}"),
            mail: format!("{name}@{TENANT_DOMAIN}"),
            display_name: display_name.to_owned(),
            given_name: given_name.to_owned(),
            surname: surname.to_owned(),
            job_title: job_title.to_owned(),
            locale: locale.to_owned(),
            time_zone: time_zone.to_owned(),
            disabled: AtomicBool::new(disabled),
            memberships: RwLock::new(Memberships { groups: vec![EVERYBODY.to_owned()], roles: Vec::new() }),
        }
    }

    /// Whether the person may consent for everybody: Alice runs the tenant.
    pub(crate) fn is_admin(&self) -> bool {
        self.upn.starts_with("alice@")
    }

    /// True after an administrator blocked the account (AADSTS50057).
    pub(crate) fn is_disabled(&self) -> bool {
        self.disabled.load(Ordering::Acquire)
    }

    /// Groups and app roles as they are now.
    pub(crate) fn memberships(&self) -> Memberships {
        self.memberships.read().clone()
    }

    /// Changes them.
    pub(crate) fn change_memberships(&self, change: impl FnOnce(&mut Memberships)) {
        change(&mut self.memberships.write());
    }

    /// Blocks or unblocks the account.
    pub(crate) fn set_disabled(&self, disabled: bool) {
        self.disabled.store(disabled, Ordering::Release);
    }
}

impl Directory {
    /// The three people that demos and tests rely on, and two mailboxes that they share.
    pub(crate) fn contoso() -> Self {
        let people = [
            [
                "a11ce000-5d0f-4b61-9f5e-3c1de01a0001",
                "alice",
                "Alice Anderson",
                "Alice",
                "Anderson",
                "Head of Ship Classification",
                "en-US",
                "W. Europe Standard Time",
            ],
            [
                "b0b00000-7c2e-4d0a-8a17-91c2de5b0002",
                "bob",
                "Bob Baker",
                "Bob",
                "Baker",
                "Procurement Lead",
                "en-US",
                "Pacific Standard Time",
            ],
            [
                "313170e1-2f6b-4e38-b0c4-6d7a1f9c0003",
                "minji",
                "김민지",
                "민지",
                "김",
                "영업본부 과장",
                "ko-KR",
                "Korea Standard Time",
            ],
        ];
        let shared = [
            [
                "5a9e0000-3b7d-4c15-8e42-6f0a2d9b0004",
                "support",
                "Customer Support",
                "",
                "",
                "",
                "en-US",
                "W. Europe Standard Time",
            ],
            [
                "14b01ce5-62f8-4d3e-b5a9-0c7e1f3a0005",
                "invoices",
                "Incoming Invoices",
                "",
                "",
                "",
                "en-US",
                "W. Europe Standard Time",
            ],
        ];
        Self {
            tenant_id: TENANT_ID.to_owned(),
            people: people.into_iter().map(|person| Person::new(person, false)).collect(),
            shared: shared.into_iter().map(|mailbox| Person::new(mailbox, true)).collect(),
        }
    }

    /// Everybody who has a mailbox.
    pub(crate) fn mailboxes(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().chain(&self.shared)
    }

    /// Finds a mailbox by object id or address.
    pub(crate) fn mailbox(&self, name: &str) -> Option<&Person> {
        self.mailboxes()
            .find(|one| one.oid.eq_ignore_ascii_case(name) || one.upn.eq_ignore_ascii_case(name.trim()))
    }

    /// What one may do in the mailbox of the other.
    pub(crate) fn rights(person: &Person, mailbox: &Person) -> Rights {
        let known = DELEGATED.iter().find(|(of, to, _)| *of == mailbox.key() && *to == person.key());
        known.map(|(.., rights)| *rights).unwrap_or_default()
    }

    /// Finds a person by object id.
    pub(crate) fn by_oid(&self, oid: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.oid.eq_ignore_ascii_case(oid))
    }

    /// Finds a person by sign-in name; Entra ignores case and surrounding blanks.
    pub(crate) fn by_upn(&self, upn: &str) -> Option<&Person> {
        let upn = upn.trim();
        self.people.iter().find(|person| person.upn.eq_ignore_ascii_case(upn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_found_by_either_name_and_keep_their_zone() {
        let directory = Directory::contoso();
        let minji = directory.by_upn(" Minji@Contoso.example ").unwrap();
        assert_eq!(minji.display_name, "김민지");
        assert_eq!(minji.time_zone, "Korea Standard Time");
        assert_eq!(directory.by_oid(&minji.oid.to_uppercase()).unwrap().upn, "minji@contoso.example");
        assert!(directory.by_upn("mallory@contoso.example").is_none());
        assert!(directory.by_upn("support@contoso.example").is_none(), "nobody signs in there");
        let support = directory.mailbox("Support@contoso.example").unwrap();
        assert_eq!(
            Directory::rights(directory.by_upn("bob@contoso.example").unwrap(), support),
            Rights::default()
        );
        assert!(Directory::rights(minji, support).mail == Access::Read);
        for person in directory.mailboxes() {
            assert!(uuid::Uuid::parse_str(&person.oid).is_ok(), "{}", person.oid);
        }
    }
}
