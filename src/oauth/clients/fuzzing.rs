//! What holds for every metadata document and every URL of one.

use super::document;
use super::url::parse;
use crate::domain::client::ClientAuthMethod;
use crate::domain::clock::Timestamp;
use crate::oauth::redirect::RedirectPolicy;

const ID: &str = "https://app.example/client.json";

/// A document that was fetched: it speaks of its own URL and keeps no secret.
pub(crate) fn document(data: &[u8]) {
    let read = document::read(ID, data, &RedirectPolicy::default(), Timestamp::from_millis(0));
    let Ok(client) = read else { return };
    assert_eq!(client.id.as_str(), ID);
    assert!(client.secret_hash.is_none() && client.name.is_some() && !client.redirect_uris.is_empty());
    let public = [ClientAuthMethod::None, ClientAuthMethod::PrivateKeyJwt];
    assert!(
        public.contains(&client.auth_method) && client.other_auth_methods.iter().all(|m| public.contains(m))
    );
}

/// A `client_id` that is a URL: only its one spelling is fetched.
pub(crate) fn url(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok((url, host)) = parse(&text) else { return };
    assert_eq!((url.as_str(), url.scheme()), (&*text, "https"));
    assert!(host.contains('.') && url.host_str() == Some(&host) && host.parse::<std::net::IpAddr>().is_err());
}
