//! The authorization server: registration, sign-in with consent, tokens, metadata, and the bearer check that every
//! protected front uses. Knows no tool and no protocol of the resource side.

pub(crate) mod bearer;
