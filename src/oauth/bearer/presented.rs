//! What a request shows of its sender.

use super::guard::AuthFailure;
use crate::oauth::dpop::{self, Target};
use actix_web::dev::RequestHead;
use actix_web::http::header::{self, HeaderMap};

/// How a token was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Bearer,
    Dpop,
}

/// The one token of a request, with the proof that came beside it and what that must be made for. Borrowed: a plain
/// bearer costs no allocation here.
#[derive(Clone, Copy)]
pub(crate) struct Presented<'a> {
    pub(super) scheme: Scheme,
    pub(super) token: &'a str,
    pub(super) proof: Option<&'a str>,
    pub(super) target: Target<'a>,
}

impl<'a> Presented<'a> {
    /// Of the headers of a request. The proof is read for tokens that are said to be bound; beside a plain bearer it
    /// means nothing.
    pub(crate) fn of(head: &'a RequestHead) -> Result<Self, AuthFailure> {
        let (scheme, token) = credential(&head.headers)?;
        let proof = if scheme == Scheme::Dpop { dpop::header(&head.headers)? } else { None };
        Ok(Self { scheme, token, proof, target: Target::of(head) })
    }

    /// Of the first message on a connection that was opened with a GET of `path`.
    pub(crate) fn said(token: &'a str, proof: Option<&'a str>, path: &'a str) -> Self {
        let scheme = if proof.is_some() { Scheme::Dpop } else { Scheme::Bearer };
        Self { scheme, token, proof, target: Target { method: "GET", path } }
    }
}

/// The token of the one `Authorization: Bearer` header.
pub(crate) fn presented(headers: &HeaderMap) -> Result<&str, AuthFailure> {
    match credential(headers)? {
        (Scheme::Bearer, token) => Ok(token),
        (Scheme::Dpop, _) => Err(AuthFailure::Missing),
    }
}

/// Scheme and token of the one `Authorization` header; the scheme in any case (RFC 9110 §11.1).
fn credential(headers: &HeaderMap) -> Result<(Scheme, &str), AuthFailure> {
    let mut all = headers.get_all(header::AUTHORIZATION);
    let Some(value) = all.next() else { return Err(AuthFailure::Missing) };
    if all.next().is_some() {
        return Err(AuthFailure::Ambiguous);
    }
    let value = value.to_str().map_err(|_| AuthFailure::Invalid)?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok((Scheme::Bearer, token.trim()))
    } else if scheme.eq_ignore_ascii_case("dpop") {
        Ok((Scheme::Dpop, token.trim()))
    } else {
        Err(AuthFailure::Missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for value in values {
            map.append(header::AUTHORIZATION, HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn the_scheme_is_read_in_any_case_and_only_once() {
        assert_eq!(presented(&headers(&["Bearer abc"])).unwrap(), "abc");
        assert_eq!(presented(&headers(&["bearer  abc"])).unwrap(), "abc");
        assert!(matches!(presented(&headers(&[])), Err(AuthFailure::Missing)));
        assert!(matches!(presented(&headers(&["Basic YTpi"])), Err(AuthFailure::Missing)));
        assert!(matches!(presented(&headers(&["DPoP abc"])), Err(AuthFailure::Missing)));
        assert!(matches!(presented(&headers(&["Bearer a", "Bearer a"])), Err(AuthFailure::Ambiguous)));
        assert!(matches!(presented(&headers(&["Bearer a", "DPoP a"])), Err(AuthFailure::Ambiguous)));
        assert_eq!(presented(&headers(&["Bearer"])).unwrap(), "");
        assert_eq!(credential(&headers(&["dpop abc"])).unwrap(), (Scheme::Dpop, "abc"));
    }
}
