//! What of the catalogue no test calls, and why.

/// Operations by their reason. One that is called all the same, or that the description does not have, fails the run.
pub(crate) const NOT_CALLED: &[(&str, &[&str])] = &[];
