//! The running tenant, driven over loopback.
