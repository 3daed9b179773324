//! Front tests.
