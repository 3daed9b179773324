//! Everything outside the process, behind the traits of `ports`: stores, Entra, Graph. The only folder that names
//! their client libraries.

pub(crate) mod embedded;
mod keys;
mod records;
pub(crate) mod redis;
