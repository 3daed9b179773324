//! `/account`: the signed-in person sees which apps act for them, and ends that.
//!
//! Signing in goes to Entra and back through the one callback, bound to the browser like every other sign-in, but
//! issues no code and keeps no Entra token: all that remains is a session behind a `__Host-` cookie that dies after a
//! quarter of an hour without use. Changes are posted with a token of the session and refused from other origins.

mod connections;
mod form;
mod key_page;
mod keys;
mod origin;
mod page;
mod session;
mod sign_in;

pub(super) use connections::{get, home, post, sign_out, signed_out};
pub(super) use keys::{get as keys, post as make_key};
pub(super) use sign_in::{finish, is_ours};
