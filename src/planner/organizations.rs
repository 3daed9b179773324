//! Organisations by code and name (`config/organizations.toml`, or the operator's file in its place).

use super::korean;
use super::line::Line;
use super::token::Kind;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::LazyLock;

static BUILT_IN: LazyLock<Organizations> = LazyLock::new(|| {
    Organizations::parse(include_str!("../../config/organizations.toml")).unwrap_or_default()
});
/// More than this is no table of organisations.
const MOST: usize = 10_000;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Organization {
    /// For short, in capitals.
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) names: Vec<String>,
    /// Where its mail comes from.
    #[serde(default)]
    pub(crate) domains: Vec<String>,
}

/// The table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Organizations {
    all: Vec<Organization>,
    /// By the first word of a name in lower case: all its words, and the entry.
    names: HashMap<String, Vec<(Vec<String>, usize)>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    organization: Vec<Organization>,
}

/// Where an organisation is named in a request.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) at: usize,
    /// Behind it.
    pub(super) next: usize,
    pub(super) code: String,
    /// The particle at its end.
    pub(super) tail: String,
}

impl Organizations {
    /// The table that is compiled in.
    pub(crate) fn built_in() -> Self {
        BUILT_IN.clone()
    }

    /// Reads a table; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let File { organization: all } = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        if all.len() > MOST {
            return Err(format!("{} organisations, at most {MOST} are read", all.len()));
        }
        let mut names: HashMap<String, Vec<(Vec<String>, usize)>> = HashMap::new();
        for (index, organization) in all.iter().enumerate() {
            let code = organization.code.trim();
            if code.is_empty() || code.chars().any(char::is_whitespace) {
                return Err(format!("organisation {}: `code` must be one word", index + 1));
            }
            if let Some(domain) = organization.domains.iter().find(|domain| !is_domain(domain)) {
                return Err(format!("organisation {code}: {domain:?} is no mail domain such as example.com"));
            }
            for name in &organization.names {
                let words: Vec<String> = name.to_lowercase().split_whitespace().map(str::to_owned).collect();
                let Some(first) = words.first().cloned() else { continue };
                names.entry(first).or_default().push((words, index));
            }
        }
        Ok(Self { all, names })
    }

    /// An organisation by its code or one of its names.
    pub(crate) fn find(&self, text: &str) -> Option<&Organization> {
        let text = text.trim();
        let is_it =
            |name: &str| name.eq_ignore_ascii_case(text) || name.to_lowercase() == text.to_lowercase();
        self.all.iter().find(|one| is_it(&one.code) || one.names.iter().any(|name| is_it(name)))
    }

    /// What its mail is found by: its domains, or the text itself when it is no known organisation (or has none).
    pub(crate) fn participants(&self, text: &str) -> Vec<String> {
        let known = self.find(text).filter(|one| !one.domains.is_empty());
        known.map_or_else(|| vec![text.trim().to_owned()], |one| one.domains.clone())
    }

    /// Every organisation that a request names.
    pub(super) fn named(&self, line: &Line) -> Vec<Named> {
        let mut out: Vec<Named> = Vec::new();
        let mut at = 0;
        while at < line.len() {
            match self.at(line, at) {
                Some(named) => {
                    at = named.next;
                    out.push(named);
                }
                None => at += 1,
            }
        }
        out
    }

    fn at(&self, line: &Line, at: usize) -> Option<Named> {
        let token = line.get(at)?;
        let named = |next: usize, entry: &Organization, tail: &str| Named {
            at,
            next,
            code: entry.code.clone(),
            tail: tail.to_owned(),
        };
        // Longer names first, or `DNV GL` would be `DNV`.
        let by_words = self.names.get(&token.lower).into_iter().flatten();
        let by_words = by_words.filter(|(words, _)| line.phrase_of(at, words));
        if let Some((words, index)) = by_words.max_by_key(|(words, _)| words.len()) {
            let next = at + words.len();
            let tail = line.any(next - 1).map_or("", |last| last.tail.as_str());
            return Some(named(next, self.all.get(*index)?, tail));
        }
        if token.kind == Kind::Hangul {
            // A name of one word, with a particle.
            let ends = token.lower.char_indices().map(|(at, _)| at).skip(2).take(20);
            for end in ends {
                let (name, rest) = token.lower.split_at_checked(end)?;
                let entry = self.names.get(name).into_iter().flatten().find(|(words, _)| words.len() == 1);
                if let Some((_, index)) = entry.filter(|_| korean::is_tail(rest)) {
                    return Some(named(at + 1, self.all.get(*index)?, rest));
                }
            }
            return None;
        }
        let written =
            token.text.strip_suffix("'s").or_else(|| token.text.strip_suffix("’s")).unwrap_or(&token.text);
        // In small letters a code of two letters may be anything.
        let is_led = ["from", "with", "to", "by"].contains(&line.word_before(at))
            || ["에서", "와", "과", "랑", "이랑", "에", "로부터"].contains(&token.tail.as_str());
        let is_code = |code: &str| {
            code == written || code.eq_ignore_ascii_case(written) && (code.chars().count() > 2 || is_led)
        };
        let entry = self.all.iter().find(|entry| is_code(&entry.code))?;
        (token.kind == Kind::Word).then(|| named(at + 1, entry, &token.tail))
    }
}

fn is_domain(text: &str) -> bool {
    let fits = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    text.contains('.') && text.split('.').all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<String> {
        Organizations::built_in().named(&Line::new(text)).into_iter().map(|named| named.code).collect()
    }

    #[test]
    fn codes_are_whole_words_and_names_are_known() {
        assert_eq!(codes("mail from KR and LR about DNV"), ["KR", "LR", "DNV"]);
        assert_eq!(codes("한국선급에서 온 메일, 노르웨이선급과"), ["KR", "DNV"]);
        assert_eq!(codes("KR에서 온 LR 메일"), ["KR", "LR"]);
        assert_eq!(codes("Lloyd's Register and Bureau Veritas, DNV GL"), ["LR", "BV", "DNV"]);
        assert_eq!(codes("from lr, absolutely"), ["LR"]);
        for text in ["CLR LRX xKR KRW KR-12 already absent", "colour", "the rs and tl", "한국 선박"] {
            assert_eq!(codes(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn mail_is_found_by_domain() {
        let table = Organizations::built_in();
        assert_eq!(table.participants("nk"), ["classnk.or.jp"]);
        assert_eq!(table.participants("Lloyd's Register"), ["lr.org"]);
        assert_eq!(table.participants("contoso.example"), ["contoso.example"]);
        assert!(table.all.len() >= 15);
    }

    #[test]
    fn a_table_of_ones_own_replaces_it_and_faults_are_named() {
        let own =
            "[[organization]]\ncode = \"ACME\"\nnames = [\"Acme Corporation\"]\ndomains = [\"acme.example\"]";
        let own = Organizations::parse(own).unwrap();
        assert_eq!(own.participants("acme corporation"), ["acme.example"]);
        assert!(own.find("KR").is_none());
        for (text, part) in [
            ("[[organization]]\nname = 1", "unknown field"),
            ("[[organization]]\ncode = \"A B\"", "one word"),
            ("[[organization]]\ncode = \"A\"\ndomains = [\"acme\"]", "no mail domain"),
            ("x", "expected"),
        ] {
            let error = Organizations::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
