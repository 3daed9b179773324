//! token_storm
