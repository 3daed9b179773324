//! The product from outside: real processes, real sockets, real clients.
//!
//! Every test starts its own tenant, store and replicas on free ports and ends them by process id. Nothing here
//! imports the crate; what a test knows, it knows over the wire.

#[cfg(test)]
mod account;
#[cfg(test)]
mod admin;
#[cfg(test)]
mod app_credential;
#[cfg(test)]
mod auth_time;
#[cfg(test)]
mod bad_clients;
#[cfg(test)]
mod bad_framing;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod bad_start;
#[cfg(test)]
mod calendar;
#[cfg(test)]
mod calendar_write;
#[cfg(test)]
mod chat_cli;
#[cfg(test)]
mod conformance_wire;
#[cfg(test)]
mod cross_user;
#[cfg(test)]
mod cross_user_tools;
#[cfg(test)]
#[path = "../crowd/mod.rs"]
mod crowd;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod dpop;
#[cfg(test)]
mod enrollment;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod framings;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod iacs;
#[cfg(test)]
mod key_ring;
#[cfg(test)]
mod login_cli;
#[cfg(test)]
mod m365;
#[cfg(test)]
mod mail_files;
#[cfg(test)]
mod mail_organize;
#[cfg(test)]
mod mail_write;
#[cfg(test)]
mod mailbox;
#[cfg(test)]
mod main_job;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod net;
#[cfg(test)]
mod oauth_front;
#[cfg(test)]
#[cfg(feature = "conformance")]
mod official_client;
#[cfg(test)]
mod onedrive;
#[cfg(test)]
mod onedrive_write;
#[cfg(test)]
mod onenote;
#[cfg(test)]
mod onenote_write;
#[cfg(test)]
mod openai;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod personal_keys;
#[cfg(test)]
mod profiles;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod redis_forms;
#[cfg(test)]
mod resources;
#[cfg(test)]
mod restart;
#[cfg(test)]
mod resume;
#[cfg(test)]
mod revocation;
#[cfg(test)]
mod rooms_and_changes;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod seldom;
#[cfg(test)]
mod shared_limits;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod simple_query;
#[cfg(test)]
mod stdio_cli;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod support;
#[cfg(test)]
mod switches;
#[cfg(test)]
mod teams;
#[cfg(test)]
mod teams_channel;
#[cfg(test)]
mod teams_edit;
#[cfg(test)]
mod teams_meeting;
#[cfg(test)]
mod teams_search;
#[cfg(test)]
mod teams_write;
#[cfg(test)]
mod token_storm;
#[cfg(test)]
mod tools_cli;
#[cfg(test)]
mod transfer;
#[cfg(test)]
mod vouched;
#[cfg(test)]
mod wire_check;
