//! Which language a reader gets.

use super::texts::{EN, KO, Texts};
use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap};
use serde::{Deserialize, Serialize};

/// Language of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Lang {
    #[default]
    En,
    Ko,
}

impl Lang {
    /// What the address asks for (`ui_locales`, OpenID Connect Core §3.1.2.1), else the browser's preference, else
    /// English.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let query = url::form_urlencoded::parse(request.query_string().as_bytes());
        let mut asked = query.filter(|(name, _)| name == "ui_locales").map(|(_, value)| value);
        asked
            .next()
            .and_then(|value| Self::named(&value))
            .unwrap_or_else(|| Self::accepted(request.headers()))
    }

    /// The first language of ours in a list of tags, which stand in the order of preference.
    pub(crate) fn named(tags: &str) -> Option<Self> {
        tags.split_ascii_whitespace().find_map(Self::of_tag)
    }

    /// The best language of ours in `Accept-Language` (RFC 9110 §12.5.4).
    fn accepted(headers: &HeaderMap) -> Self {
        let value = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let mut best = (0.0, Self::default());
        for entry in value.split(',') {
            let (tag, weight) = entry.split_once(';').unwrap_or((entry, "q=1"));
            let weight = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).unwrap_or(0.0);
            if let Some(lang) = Self::of_tag(tag.trim()).filter(|_| weight > best.0) {
                best = (weight, lang);
            }
        }
        best.1
    }

    fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        [Self::En, Self::Ko].into_iter().find(|lang| primary.eq_ignore_ascii_case(lang.tag()))
    }

    /// BCP 47.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
        }
    }

    /// The other one, which the foot of a page offers.
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::En => Self::Ko,
            Self::Ko => Self::En,
        }
    }

    /// Every word in this language.
    pub(crate) const fn texts(self) -> &'static Texts {
        match self {
            Self::En => &EN,
            Self::Ko => &KO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn lang(uri: &str, accepted: &str) -> Lang {
        let request = TestRequest::get().uri(uri).insert_header((header::ACCEPT_LANGUAGE, accepted));
        Lang::of(&request.to_http_request())
    }

    #[test]
    fn the_preferred_language_of_ours_counts() {
        assert_eq!(lang("/", "ko-KR,ko;q=0.9,en;q=0.8"), Lang::Ko);
        assert_eq!(lang("/", "en-US,ko;q=0.5"), Lang::En);
        assert_eq!(lang("/", "ja,ko;q=0.5,en;q=0.4"), Lang::Ko);
        assert_eq!(lang("/", "en;q=0.2,ko;q=0.7"), Lang::Ko);
        for nothing_of_ours in ["", "kok", "ko;q=0", "ko;q=x", "*"] {
            assert_eq!(lang("/", nothing_of_ours), Lang::En, "{nothing_of_ours}");
        }
    }

    #[test]
    fn the_address_has_the_last_word() {
        assert_eq!(lang("/?ui_locales=ko", "en"), Lang::Ko);
        assert_eq!(lang("/?ui_locales=fr%20en-GB%20ko", "ko"), Lang::En);
        assert_eq!(lang("/?ui_locales=fr", "ko"), Lang::Ko);
    }
}
