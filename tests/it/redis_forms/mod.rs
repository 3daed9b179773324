//! The product on Redis in all its forms, and what it does when they fail over.

mod check;
mod cluster;
mod foreign;
mod guarded;
mod sentinel;
mod starters;
mod users;
