//! The endpoints as a client sees them, over the embedded store and an identity provider that answers as told.

mod assertion;
mod authorize;
mod bearer;
mod callback;
mod client_credentials;
mod code;
mod consent;
mod machine;
mod manage;
mod metadata;
mod openid;
mod personal_keys;
mod published;
mod refresh;
mod register;
mod revoke;
mod rotation;
mod support;
