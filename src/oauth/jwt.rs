//! Signed statements of others: the signature here, everything that they say in the hands of the caller.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::de::DeserializeOwned;

/// Why there are no claims to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JwtFault {
    /// The key is of no kind that can verify anything.
    Key,
    Signature,
}

/// Claims of a JWT that `key` signed with `algorithm`. Audience and times are not looked at: the caller checks them, against
/// the clock of the store.
pub(super) fn claims<T: DeserializeOwned>(jwt: &str, key: &Jwk, algorithm: Algorithm) -> Result<T, JwtFault> {
    let key = DecodingKey::from_jwk(key).map_err(|_| JwtFault::Key)?;
    let mut rules = Validation::new(algorithm);
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    Ok(decode::<T>(jwt, &key, &rules).map_err(|_| JwtFault::Signature)?.claims)
}
