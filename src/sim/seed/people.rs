//! Everyone who writes mail besides the people of the directory.
use super::Owner;
use super::model::Contact;

const OTHERS: [(&str, Contact); 19] = [
    ("carol", Contact::fixed("Carol Chen", "carol@contoso.example")),
    ("dave", Contact::fixed("Dave Okafor", "dave@contoso.example")),
    ("erin", Contact::fixed("Erin O'Neil", "erin.o'neil@contoso.example")),
    ("finance", Contact::fixed("Finance Team", "finance@contoso.example")),
    ("hr", Contact::fixed("People & Culture", "people@contoso.example")),
    ("jihoon", Contact::fixed("정지훈", "jihoon@contoso.example")),
    ("grace", Contact::fixed("Grace Holm", "grace.holm@northsea-shipping.example")),
    ("ops", Contact::fixed("Operations Desk", "ops@northsea-shipping.example")),
    ("henrik", Contact::fixed("Henrik Lund", "henrik.lund@dnv-survey.example")),
    ("maria", Contact::fixed("Maria Rossi", "maria.rossi@fabrikam-valves.example")),
    ("tom", Contact::fixed("Tom Becker", "tom.becker@lakeshore-law.example")),
    ("office", Contact::fixed("Harbour Office", "office@harbour.example")),
    ("sujin", Contact::fixed("이수진", "sujin.lee@hanbit-marine.example")),
    ("jungho", Contact::fixed("박정호", "jungho.park@hanbit-marine.example")),
    ("yuna", Contact::fixed("최유나", "yuna.choi@busan-port.example")),
    ("law", Contact::fixed("법무팀", "legal@contoso.example")),
    ("abs", Contact::fixed("ABS Plan Review", "planreview@abs-class.example")),
    ("travel", Contact::fixed("Bluefin Travel", "booking@bluefin-travel.example")),
    ("sender_unknown", Contact::fixed("", "unknown@nowhere.example")),
];

/// Resolves the short names of the scripts.
pub(super) struct Cast {
    own: Vec<(String, Contact)>,
}

impl Cast {
    /// The directory's people come first.
    pub(super) fn new(owners: &[Owner]) -> Self {
        Self { own: owners.iter().map(|o| (o.key.clone(), o.contact.clone())).collect() }
    }

    /// The contact behind a short name; an unknown one becomes an address of the tenant.
    pub(super) fn contact(&self, key: &str) -> Contact {
        if let Some((_, contact)) = self.own.iter().find(|(k, _)| k == key) {
            return contact.clone();
        }
        if let Some((_, contact)) = OTHERS.iter().find(|(k, _)| *k == key) {
            return contact.clone();
        }
        Contact { name: key.to_owned().into(), address: format!("{key}@contoso.example").into() }
    }
}
