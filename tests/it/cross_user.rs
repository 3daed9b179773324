//! cross_user
