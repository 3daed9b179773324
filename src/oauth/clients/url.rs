//! Which URLs may be a `client_id` (draft-ietf-oauth-client-id-metadata-document §3).

use ::url::{Host, Url};

const MAX_CHARS: usize = 512;

/// Why a URL is none of a metadata document.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub(in crate::oauth) enum UrlFault {
    #[error("it is too long")]
    TooLong,
    #[error("it must be an https URL, written in its normal form")]
    Form,
    #[error("it must have a path")]
    Path,
    #[error("it must have neither fragment, user name nor password")]
    Parts,
    #[error("its host must be a public name")]
    Host,
}

/// The URL and its host. Nothing is sent to find out.
pub(super) fn parse(text: &str) -> Result<(Url, String), UrlFault> {
    if text.len() > MAX_CHARS {
        return Err(UrlFault::TooLong);
    }
    let url = Url::parse(text).map_err(|_| UrlFault::Form)?;
    if url.fragment().is_some()
        || !url.username().is_empty()
        || url.password().is_some()
        || text.contains('@')
    {
        return Err(UrlFault::Parts);
    }
    // A parser resolves dot segments, lower-cases hosts and reads odd spellings of addresses; a URL that needed that is
    // another text than the one that its document would have to repeat.
    if url.scheme() != "https" || url.as_str() != text && url.path() != "/" {
        return Err(UrlFault::Form);
    }
    if url.path() == "/" {
        return Err(UrlFault::Path);
    }
    match url.host() {
        Some(Host::Domain(host)) if is_public_name(host) => {
            let host = host.to_owned();
            Ok((url, host))
        }
        _ => Err(UrlFault::Host),
    }
}

fn is_public_name(host: &str) -> bool {
    let inner = [".localhost", ".local", ".internal", ".home.arpa", "."];
    host.contains('.') && !inner.iter().any(|end| host.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_https_urls_with_a_path_at_public_names_are_ids() {
        for good in
            ["https://claude.ai/oauth/x", "https://app.example:8443/c.json", "https://app.example/c?v=1"]
        {
            assert!(parse(good).is_ok(), "{good}");
        }
        for (bad, fault) in [
            ("http://app.example/c", UrlFault::Form),
            ("https://app.example", UrlFault::Path),
            ("https://app.example/", UrlFault::Path),
            ("https://app.example/c#f", UrlFault::Parts),
            ("https://a@app.example/c", UrlFault::Parts),
            ("https://a:b@app.example/c", UrlFault::Parts),
            ("https://app.example/a/../c", UrlFault::Form),
            ("https://app.example/a/%2e%2e/c", UrlFault::Form),
            ("https://App.example/c", UrlFault::Form),
            ("https://app.example:443/c", UrlFault::Form),
            ("https://app.example\\c", UrlFault::Form),
            ("https://127.0.0.1/c", UrlFault::Host),
            ("https://2130706433/c", UrlFault::Form),
            ("https://0177.0.0.1/c", UrlFault::Form),
            ("https://[::1]/c", UrlFault::Host),
            ("https://[::ffff:7f00:1]/c", UrlFault::Host),
            ("https://localhost/c", UrlFault::Host),
            ("https://app.localhost/c", UrlFault::Host),
            ("https://metadata.google.internal/c", UrlFault::Host),
            ("https://app.example./c", UrlFault::Host),
            ("ftp://app.example/c", UrlFault::Form),
            ("://", UrlFault::Form),
        ] {
            assert_eq!(parse(bad).unwrap_err(), fault, "{bad}");
        }
        assert_eq!(
            parse(&format!("https://app.example/{}", "x".repeat(600))).unwrap_err(),
            UrlFault::TooLong
        );
    }
}
