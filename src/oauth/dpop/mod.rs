//! DPoP (RFC 9449): a token is bound to a key of the client, which proves with every request that it holds the key. A
//! stolen token is then worth nothing by itself. Optional: who sends no proof gets plain bearers.
//!
//! One request: `DPoP: <proof>` → form, type, algorithm and key (`proof`) → is it the token's key → signature → method,
//! URL (`target`), time, hash of the token, nonce (`nonce`) → used for the first time (`check`). What is cheap comes
//! first, and a proof is spent last, so that nobody fills the store with proofs that are worth nothing.
//!
//! Knows nothing of grants and endpoints. The URL that a proof must name comes from the configured public URL, never from
//! `Host` or a forwarded header.

mod check;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod nonce;
mod proof;
mod target;

#[cfg(test)]
mod tests;

pub(crate) use check::{Dpop, DpopSettings};
pub(super) use check::{Target, challenge, header, is_thumbprint};
pub(super) use proof::ProofFault;
