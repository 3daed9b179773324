//! What an error of Redis means to an operator. Only its class and code count: its text may quote keys or arguments.

use crate::ports::store::StoreError;
use redis::{ErrorKind, RedisError};
use std::error::Error;
use std::sync::Arc;

/// The error as the port tells it.
pub(super) fn explain(error: &RedisError) -> StoreError {
    StoreError::Unavailable(meaning(error))
}

fn meaning(error: &RedisError) -> String {
    let kind = error.kind();
    if kind == ErrorKind::Io {
        return of_connection(error).to_owned();
    }
    if kind == ErrorKind::MasterNameNotFoundBySentinel {
        return "no sentinel knows a living master of that name: is it failing over, or is the name in store.url wrong?"
            .to_owned();
    }
    if kind == ErrorKind::RESP3NotSupported {
        return "this Redis is older than 7, the oldest that is supported".to_owned();
    }
    let code = if kind == ErrorKind::AuthenticationFailed { Some("WRONGPASS") } else { error.code() };
    match code.and_then(|code| Some((code, of_code(code)?))) {
        Some((code, text)) => format!("{text} ({code})"),
        None => format!("Redis failed: {} ({})", error.category(), code.unwrap_or("no code")),
    }
}

fn of_code(code: &str) -> Option<&'static str> {
    Some(match code {
        "NOAUTH" => "Redis asks for a password: write user:password@ into store.url",
        "WRONGPASS" => "Redis refuses user or password of store.url",
        "NOPERM" => "the account of store.url may not do what is needed: STORAGE.md lists it",
        "READONLY" => {
            "this Redis is a replica and takes no writes: name its master, or use redis+sentinel://"
        }
        "MOVED" | "ASK" | "CROSSSLOT" => {
            "this Redis is a node of a cluster: write redis+cluster:// in store.url"
        }
        "TRYAGAIN" => "a slot of the cluster is being moved",
        "CLUSTERDOWN" => "the cluster does not serve: a master is down and nobody has taken over yet",
        "MASTERDOWN" => "this Redis is a replica that has lost its master",
        "LOADING" => "Redis is still reading its data from disk",
        "OOM" => "Redis is full: its maxmemory is used up, and it takes no writes until there is room",
        "MISCONF" => "Redis cannot write to its disk, and so takes no writes",
        "NOREPLICAS" => "too few replicas follow for Redis to take writes (min-replicas-to-write)",
        "WRONGTYPE" => "a key of ours holds something foreign: does other software write to this database?",
        "BUSY" => "a script of other software blocks Redis",
        _ => return None,
    })
}

fn of_connection(error: &RedisError) -> &'static str {
    if error.is_timeout() {
        "Redis did not answer in time"
    } else if is_distrust(error) {
        "the certificate of Redis is not trusted: name its authority in store.ca_file, and its host as the certificate does"
    } else if error.is_connection_refusal() {
        "Redis refuses the connection"
    } else if error.is_connection_dropped() {
        "the connection to Redis was lost"
    } else {
        "Redis cannot be reached"
    }
}

/// Whether TLS failed because of the certificate.
fn is_distrust(error: &RedisError) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(mut this) = cause {
        // The crate shares its causes, and a shared error hides its type.
        if let Some(shared) = this.downcast_ref::<Arc<dyn Error + Send + Sync>>() {
            this = &**shared;
        }
        let inner = this.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let found = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let found = found.or_else(|| this.downcast_ref::<rustls::Error>());
        if matches!(found, Some(rustls::Error::InvalidCertificate(_))) {
            return true;
        }
        cause = this.source();
    }
    false
}
