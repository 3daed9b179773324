//! From a place to clients of it.

use super::errors::explain;
use crate::adapters::crypto;
use crate::domain::redis_place::{RedisAddress, RedisLogin, RedisPlace, RedisTls};
use crate::ports::store::StoreError;
use redis::{Client, ClientTlsConfig, ConnectionAddr, IntoConnectionInfo, ProtocolVersion};
use redis::{RedisConnectionInfo, RedisResult, TlsCertificates};

/// A client of one server of the place; connects to nothing.
pub(super) fn client(place: &RedisPlace, address: &RedisAddress) -> RedisResult<Client> {
    dial(place, address, &place.login, place.database)
}

/// A client of one of its sentinels.
pub(super) fn sentinel_client(place: &RedisPlace, address: &RedisAddress) -> RedisResult<Client> {
    dial(place, address, &place.sentinel_login, 0)
}

fn dial(
    place: &RedisPlace,
    address: &RedisAddress,
    login: &RedisLogin,
    database: u16,
) -> RedisResult<Client> {
    // RESP3 tells of a lost connection at once instead of at the next command.
    let mut settings =
        RedisConnectionInfo::default().set_db(i64::from(database)).set_protocol(ProtocolVersion::RESP3);
    if let Some(user) = &login.user {
        settings = settings.set_username(user);
    }
    if let Some(password) = &login.password {
        settings = settings.set_password(password.expose());
    }
    let info = endpoint(place, address).into_connection_info()?.set_redis_settings(settings);
    match place.tls.as_ref().and_then(certificates) {
        Some(certificates) => Client::build_with_tls(info, certificates),
        None => Client::open(info),
    }
}

/// Where `address` is dialled.
pub(super) fn endpoint(place: &RedisPlace, address: &RedisAddress) -> ConnectionAddr {
    let RedisAddress { host, port } = address.clone();
    match place.tls {
        Some(_) => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
        None => ConnectionAddr::Tcp(host, port),
    }
}

/// What the settings add to TLS, if anything.
pub(super) fn certificates(tls: &RedisTls) -> Option<TlsCertificates> {
    let client_tls = tls.client.as_ref().map(|(certificate, key)| ClientTlsConfig {
        client_cert: certificate.clone(),
        client_key: key.expose().clone(),
    });
    let some = tls.authorities.is_some() || client_tls.is_some();
    some.then(|| TlsCertificates { client_tls, root_cert: tls.authorities.clone() })
}

/// Checks what can be checked without the network, and prepares TLS.
pub(super) fn prepare(place: &RedisPlace) -> Result<(), StoreError> {
    if place.tls.is_some() {
        crypto::install();
    }
    for address in &place.nodes {
        client(place, address).map_err(|error| match place.tls {
            Some(_) => StoreError::Unavailable(
                "store.ca_file, store.certificate_file or store.key_file does not hold what it should, in PEM".to_owned(),
            ),
            None => explain(&error),
        })?;
    }
    Ok(())
}
