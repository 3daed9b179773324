//! Organisations by their codes, and the mail domains that they write from.

/// Code, name, domains. Public: the members of IACS, and who works with them.
const KNOWN: &[(&str, &str, &[&str])] = &[
    ("KR", "Korean Register", &["krs.co.kr"]),
    ("NK", "ClassNK", &["classnk.or.jp"]),
    ("ABS", "American Bureau of Shipping", &["eagle.org"]),
    ("DNV", "DNV", &["dnv.com"]),
    ("BV", "Bureau Veritas", &["bureauveritas.com"]),
    ("LR", "Lloyd's Register", &["lr.org"]),
    ("CCS", "China Classification Society", &["ccs.org.cn"]),
    ("RINA", "RINA", &["rina.org"]),
    ("RS", "Russian Maritime Register of Shipping", &["rs-class.org"]),
    ("IRS", "Indian Register of Shipping", &["irclass.org"]),
    ("PRS", "Polish Register of Shipping", &["prs.pl"]),
    ("CRS", "Croatian Register of Shipping", &["crs.hr"]),
    ("TL", "Türk Loydu", &["turkloydu.org"]),
    ("IMO", "International Maritime Organization", &["imo.org"]),
    ("IACS", "International Association of Classification Societies", &["iacs.org.uk"]),
];

/// What mail of an organisation is found by: its domains, or the word itself when it is no known code.
pub(super) fn participants(organization: &str) -> Vec<String> {
    let known = KNOWN.iter().find(|(code, name, _)| {
        code.eq_ignore_ascii_case(organization) || name.eq_ignore_ascii_case(organization)
    });
    known.map_or_else(
        || vec![organization.to_owned()],
        |(_, _, domains)| domains.iter().map(|domain| (*domain).to_owned()).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_names_and_other_words_are_understood() {
        assert_eq!(participants("nk"), ["classnk.or.jp"]);
        assert_eq!(participants("Lloyd's Register"), ["lr.org"]);
        assert_eq!(participants("contoso.example"), ["contoso.example"]);
    }
}
