//! What an Entra error means for us: the one table of `AADSTS` numbers.
//!
//! Decisions rest on `error_codes` and `error`; the description is kept for operators and never shown to clients.

use crate::ports::identity::{IdentityError, IdentityFault};
use serde::Deserialize;
use std::time::Duration;

/// Pause after Entra's loop guard (AADSTS50196) closed.
const LOOP_GUARD_PAUSE: Duration = Duration::from_mins(5);
/// Entra's number for an application that asks in a loop.
const LOOP_GUARD: u32 = 50196;
/// Longest claims request that is passed on.
const MAX_CLAIMS: usize = 4096;
/// Longest operator detail that is kept.
const MAX_DETAIL: usize = 400;

/// Where the error came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The browser returned with it.
    Callback,
    /// The token endpoint answered it.
    Token,
}

/// Error body of the token endpoint, or the same members from a callback's query.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorBody {
    #[serde(default)]
    pub(super) error: String,
    #[serde(default)]
    pub(super) error_description: String,
    #[serde(default)]
    pub(super) error_codes: Vec<u32>,
    #[serde(default)]
    pub(super) suberror: String,
    #[serde(default)]
    pub(super) claims: Option<String>,
}

/// A classified error, and whether its number was in the table.
#[derive(Debug)]
pub(super) struct Classified {
    pub(super) error: IdentityError,
    /// `invalid_grant` with a number we do not know: final only when it repeats.
    pub(super) doubtful: bool,
}

/// Classifies an error body.
pub(super) fn classify(body: &ErrorBody, stage: Stage, retry_after: Option<Duration>) -> Classified {
    let code = body.error_codes.first().copied().or_else(|| code_in(&body.error_description)).unwrap_or(0);
    let claims = body.claims.as_deref().filter(|claims| is_claims(claims)).map(ToOwned::to_owned);
    let known = by_code(code, stage, claims.is_some());
    let doubtful = known.is_none() && body.error == "invalid_grant" && by_suberror(&body.suberror).is_none();
    let fault = known
        .or_else(|| by_suberror(&body.suberror))
        .or_else(|| by_name(&body.error))
        .unwrap_or(if stage == Stage::Token { IdentityFault::Unavailable } else { IdentityFault::Unknown });
    let retry_after = if code == LOOP_GUARD { Some(LOOP_GUARD_PAUSE) } else { retry_after };
    let detail = sanitise(&format!("{}: {}", body.error, body.error_description));
    Classified { error: IdentityError { fault, code, detail, retry_after, claims }, doubtful }
}

/// A claims request is a JSON object of bounded size; anything else is not passed on.
fn is_claims(text: &str) -> bool {
    text.len() <= MAX_CLAIMS
        && serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok()
}

/// Plain printable text of bounded length and without addresses: descriptions come from outside, name the account
/// (AADSTS50020 does), and go to logs.
pub(super) fn sanitise(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words = plain.split(' ').map(|word| if word.contains('@') { "(address)" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().take(MAX_DETAIL).collect()
}

/// The number in `AADSTS65001: ...`.
fn code_in(description: &str) -> Option<u32> {
    let (_, rest) = description.split_once("AADSTS")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn by_code(code: u32, stage: Stage, has_claims: bool) -> Option<IdentityFault> {
    use IdentityFault as F;
    let at_token = stage == Stage::Token;
    Some(match code {
        65004 => F::Denied,
        65001 | 650_052 => F::ConsentRequired,
        90094 | 90095 | 650_056 | 650_057 => F::AdminConsentRequired,
        50020 | 50034 | 51004 | 90072 | 50105 | 50194 => F::NotAllowed,
        // A locked account opens again by itself: a refresh waits, a sign-in is the person's affair.
        50053 if at_token => F::Unavailable,
        50057 if at_token => F::NotAllowed,
        50055 if at_token => F::InteractionRequired,
        50053 | 50055 | 50057 => F::AccountState,
        // Step-up: second factor, sign-in frequency, conditional access that says what it wants.
        50072 | 50074 | 50076 | 50078 | 50079 | 50158 | 530_032 | 530_035 => F::InteractionRequired,
        53003 if has_claims => F::InteractionRequired,
        53000 | 53001 | 53002 | 53003 | 50097 | 50131 => F::Blocked,
        700_082 | 700_084 | 70000 | 70008 | 70043 | 70044 | 50173 | 50132 | 50133 | 54005 | 501_481 => {
            F::GrantDead
        }
        50058 | 50140 | 50199 => F::LoginRequired,
        // Our registration: reply URL, application, tenant, scopes, resource, request shape.
        50011 | 700_016 | 70001 | 7_000_112 | 90002 | 500_011 | 28000 | 28002 | 28003 | 70011 | 700_022
        | 700_023 | 9_010_010 | 901_002 | 9_002_327 | 900_561 | 900_144 => F::Misconfigured,
        // Our credential: secret, assertion, federation.
        7_000_215 | 7_000_218 | 7_000_222 | 700_021 | 700_024 | 700_027 | 50012 | 50013 | 50027 | 700_211
        | 700_212 | 700_213 | 700_229 | 70021 => F::CredentialRefused,
        50033 | 50087 | 90006 | 90024 | 90033 | 90055 | 90090 | LOOP_GUARD => F::Unavailable,
        _ => return None,
    })
}

fn by_suberror(suberror: &str) -> Option<IdentityFault> {
    match suberror {
        "consent_required" => Some(IdentityFault::ConsentRequired),
        "basic_action" | "additional_action" | "message_only" | "user_password_expired" => {
            Some(IdentityFault::InteractionRequired)
        }
        "bad_token" | "token_expired" => Some(IdentityFault::GrantDead),
        _ => None,
    }
}

/// The standard error names (RFC 6749 §4.1.2.1 and §5.2, OpenID Connect Core §3.1.2.6).
fn by_name(error: &str) -> Option<IdentityFault> {
    match error {
        "access_denied" => Some(IdentityFault::Denied),
        "consent_required" => Some(IdentityFault::ConsentRequired),
        "interaction_required" | "account_selection_required" => Some(IdentityFault::InteractionRequired),
        "login_required" => Some(IdentityFault::LoginRequired),
        "invalid_grant" => Some(IdentityFault::GrantDead),
        "temporarily_unavailable" => Some(IdentityFault::Unavailable),
        "invalid_client" => Some(IdentityFault::CredentialRefused),
        "unauthorized_client"
        | "invalid_request"
        | "invalid_scope"
        | "invalid_resource"
        | "unsupported_grant_type"
        | "unsupported_response_type" => Some(IdentityFault::Misconfigured),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use IdentityFault as F;

    fn at(stage: Stage, error: &str, code: u32) -> Classified {
        let body = ErrorBody { error: error.to_owned(), error_codes: vec![code], ..ErrorBody::default() };
        classify(&body, stage, None)
    }

    #[test]
    fn each_family_leads_to_its_own_action() {
        let table = [
            ("access_denied", 65004, F::Denied),
            ("invalid_grant", 65001, F::ConsentRequired),
            ("access_denied", 90094, F::AdminConsentRequired),
            ("invalid_grant", 50076, F::InteractionRequired),
            ("invalid_grant", 53003, F::Blocked),
            ("invalid_grant", 50105, F::NotAllowed),
            ("invalid_grant", 50057, F::NotAllowed),
            ("invalid_grant", 700_082, F::GrantDead),
            ("invalid_grant", 50173, F::GrantDead),
            ("login_required", 50058, F::LoginRequired),
            ("invalid_request", 50011, F::Misconfigured),
            ("invalid_client", 7_000_222, F::CredentialRefused),
            ("invalid_target", 9_010_010, F::Misconfigured),
            ("temporarily_unavailable", 90033, F::Unavailable),
            ("server_error", 0, F::Unavailable),
            ("something_new", 123_456_789, F::Unavailable),
        ];
        for (error, code, expected) in table {
            assert_eq!(at(Stage::Token, error, code).error.fault, expected, "{error} {code}");
        }
    }

    #[test]
    fn a_locked_account_keeps_its_login_at_refresh() {
        assert_eq!(at(Stage::Token, "invalid_grant", 50053).error.fault, F::Unavailable);
        assert_eq!(at(Stage::Callback, "invalid_grant", 50053).error.fault, F::AccountState);
    }

    #[test]
    fn an_unknown_invalid_grant_is_doubtful_and_a_known_one_is_not() {
        assert!(at(Stage::Token, "invalid_grant", 99_999).doubtful);
        assert!(!at(Stage::Token, "invalid_grant", 700_082).doubtful);
    }

    #[test]
    fn the_number_is_found_in_a_callback_description() {
        let body = ErrorBody {
            error: "access_denied".to_owned(),
            error_description: "AADSTS90094: admin\r\nSet-Cookie: x".to_owned(),
            ..ErrorBody::default()
        };
        let classified = classify(&body, Stage::Callback, None);
        assert_eq!((classified.error.fault, classified.error.code), (F::AdminConsentRequired, 90094));
        assert!(!classified.error.detail.contains('\n'));
    }

    #[test]
    fn addresses_stay_out_of_the_operators_text() {
        let text = sanitise("AADSTS50020: User account 'a.b@contoso.example' from\r\nelsewhere");
        assert_eq!(text, "AADSTS50020: User account (address) from  elsewhere");
    }

    #[test]
    fn the_loop_guard_asks_for_a_long_pause() {
        assert_eq!(at(Stage::Token, "invalid_grant", 50196).error.retry_after, Some(LOOP_GUARD_PAUSE));
    }
}
