//! People of the tenant who only appear in Teams and in look-ups: they have an object id and no sign-in.

use super::Directory;

/// Somebody in the directory, as Teams and look-ups show people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Colleague {
    pub(crate) oid: String,
    /// The part of the address before the `@`, by which scripts name people.
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) mail: String,
    pub(crate) title: String,
}

/// Key, name, address, title. Two of them share a name.
const OTHERS: [(&str, &str, &str, &str); 9] = [
    ("carol", "Carol Chen", "carol@contoso.example", "Lead Surveyor"),
    ("dave", "Dave Okafor", "dave@contoso.example", "Structural Engineer"),
    ("erin", "Erin O'Neil", "erin.o'neil@contoso.example", "Counsel"),
    ("jihoon", "정지훈", "jihoon@contoso.example", "영업본부 대리"),
    ("chris", "Chris Park", "chris.park@contoso.example", "Buyer"),
    ("chris2", "Chris Park", "chris.park2@contoso.example", "Crane Operator"),
    ("yael", "יעל לוי", "yael@contoso.example", "Port Liaison"),
    ("frank", "Frank \"Ferry\" Müller", "frank@contoso.example", "Fleet Manager"),
    ("nobody_yet", "Nora Quiet", "nora@contoso.example", "New Starter"),
];

/// Everybody, those who can sign in first.
pub(crate) fn everybody(directory: &Directory) -> Vec<Colleague> {
    let own = directory.people.iter().map(|person| Colleague {
        oid: person.oid.clone(),
        key: person.upn.split('@').next().unwrap_or_default().to_owned(),
        name: person.display_name.clone(),
        mail: person.mail.clone(),
        title: person.job_title.clone(),
    });
    let others = OTHERS.iter().enumerate().map(|(place, (key, name, mail, title))| Colleague {
        oid: format!("c0113a90-3d52-4f0e-9c61-5e77aa00{:04x}", place + 1),
        key: (*key).to_owned(),
        name: (*name).to_owned(),
        mail: (*mail).to_owned(),
        title: (*title).to_owned(),
    });
    own.chain(others).collect()
}
