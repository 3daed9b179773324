//! Whether Redis is what the URL says, and fit for the purpose. What a command would only fail at, an operator is told.

use super::RedisStore;
use super::errors::explain;
use super::node::Node;
use crate::domain::redis_place::{RedisForm, RedisPlace};
use crate::ports::store::StoreError;
use redis::{RedisResult, cmd};
use std::collections::HashMap;
use std::sync::atomic::Ordering;

/// The oldest version that has all commands that are used (`SET NX GET`).
const OLDEST: u32 = 7;

impl RedisStore {
    /// The same, unless it went well before.
    pub(super) async fn examine_once(&self) -> Result<(), StoreError> {
        if !self.examined.load(Ordering::Relaxed) {
            self.examine().await?;
            self.examined.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// What an operator should change, though the store serves; an error when it cannot.
    pub(super) async fn examine(&self) -> Result<Vec<String>, StoreError> {
        let place = self.links.place();
        if place.form != RedisForm::Standalone {
            self.examine_named(place).await?;
        }
        let mut remarks = Vec::new();
        for shard in self.links.shards().await? {
            let (host, port) = shard.node.host_and_port();
            match facts(&shard.node).await {
                Ok(facts) => {
                    suits(&place.form, &facts).map_err(StoreError::Unavailable)?;
                    let advice = advice(&place.form, &facts);
                    remarks.extend(advice.iter().map(|text| format!("{host}:{port} {text}")));
                }
                // An account that may not ask may still do everything else.
                Err(error) if error.code() == Some("NOPERM") => {}
                Err(error) => return Err(explain(&error)),
            }
        }
        Ok(remarks)
    }

    /// Whether the servers that the URL names are of the kind that it says: the first one that answers decides.
    async fn examine_named(&self, place: &RedisPlace) -> Result<(), StoreError> {
        for node in self.links.named()? {
            let Ok(facts) = facts(&node).await else { continue };
            named_suits(&place.form, &facts).map_err(StoreError::Unavailable)?;
            if let RedisForm::Sentinel { master } = &place.form {
                return known_to(&node, master).await;
            }
            return Ok(());
        }
        // What is wrong with them says the attempt to use them.
        Ok(())
    }
}

type Facts = HashMap<String, String>;

async fn facts(node: &Node) -> RedisResult<Facts> {
    let text: String = node.ask(&cmd("INFO")).await?;
    Ok(read(&text))
}

fn read(info: &str) -> Facts {
    let lines = info.lines().filter_map(|line| line.trim().split_once(':'));
    lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Whether a sentinel watches a master of that name.
async fn known_to(sentinel: &Node, master: &str) -> Result<(), StoreError> {
    let mut masters = cmd("SENTINEL");
    masters.arg("MASTERS");
    let answer: RedisResult<Vec<HashMap<String, String>>> = sentinel.ask(&masters).await;
    // One that does not answer is not the only one.
    let Ok(watched) = answer else { return Ok(()) };
    let names: Vec<&str> = watched.iter().filter_map(|one| one.get("name")).map(String::as_str).collect();
    if names.contains(&master) {
        return Ok(());
    }
    let problem = format!(
        "the sentinels watch no master of the name that store.url has; they know: {}",
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    );
    Err(StoreError::Unavailable(problem))
}

fn fact<'a>(facts: &'a Facts, name: &str) -> &'a str {
    facts.get(name).map_or("", String::as_str)
}

/// Whether a server that the URL names is of the kind that it says.
fn named_suits(form: &RedisForm, facts: &Facts) -> Result<(), String> {
    let mode = fact(facts, "redis_mode");
    match form {
        RedisForm::Sentinel { .. } if mode != "sentinel" => Err(
            "store.url says redis+sentinel:// and names a Redis itself: name the sentinels (port 26379), or write redis://"
                .to_owned(),
        ),
        RedisForm::Cluster if mode == "sentinel" => {
            Err("store.url says redis+cluster:// and names a sentinel: write redis+sentinel://host:port/master-name".to_owned())
        }
        RedisForm::Cluster if mode != "cluster" => {
            Err("store.url says redis+cluster:// and names a Redis that is no cluster's: write redis://".to_owned())
        }
        RedisForm::Standalone | RedisForm::Sentinel { .. } | RedisForm::Cluster => Ok(()),
    }
}

/// Whether a server can hold the store.
fn suits(form: &RedisForm, facts: &Facts) -> Result<(), String> {
    let version = fact(facts, "redis_version");
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    match (form, fact(facts, "redis_mode")) {
        (RedisForm::Standalone, "sentinel") => {
            return Err(
                "this is a sentinel: write redis+sentinel://host:port,host:port/master-name in store.url"
                    .to_owned(),
            );
        }
        (RedisForm::Standalone | RedisForm::Sentinel { .. }, "cluster") => {
            return Err("this Redis is a node of a cluster: write redis+cluster:// in store.url".to_owned());
        }
        _ => {}
    }
    if major.is_some_and(|major| major < OLDEST) {
        return Err(format!(
            "this Redis is of version {version}, and {OLDEST} is the oldest that is supported"
        ));
    }
    if *form == RedisForm::Standalone && fact(facts, "role") == "slave" {
        return Err(
            "this Redis is a replica and takes no writes (READONLY): name its master, or use redis+sentinel://"
                .to_owned(),
        );
    }
    Ok(())
}

/// What is better changed.
fn advice(form: &RedisForm, facts: &Facts) -> Vec<String> {
    let number = |name| fact(facts, name).parse::<u64>().unwrap_or(0);
    let (used, most) = (number("used_memory"), number("maxmemory"));
    let policy = fact(facts, "maxmemory_policy");
    let evicts = most > 0 && !matches!(policy, "" | "noeviction");
    let full = most > 0 && used.saturating_mul(10) > most.saturating_mul(9);
    let forgets = fact(facts, "aof_enabled") == "0";
    let alone = *form != RedisForm::Standalone && fact(facts, "connected_slaves") == "0";
    [
        evicts.then(|| format!("drops records when it is full ({policy}), which signs people out: set maxmemory-policy noeviction")),
        full.then(|| "is nearly full: raise maxmemory".to_owned()),
        forgets.then(|| "writes its disk now and then only: set appendonly yes, or a crash signs people out".to_owned()),
        alone.then(|| "has no replica now: nobody can take over".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(lines: &[&str]) -> Facts {
        read(
            &["# Server\r", "redis_version:7.0.15\r", "redis_mode:standalone\r", "role:master\r"]
                .into_iter()
                .chain(lines.iter().copied())
                .collect::<Vec<_>>()
                .join("\n"),
        )
    }

    fn sentinel() -> RedisForm {
        RedisForm::Sentinel { master: "m".to_owned() }
    }

    #[test]
    fn a_server_that_is_something_else_is_told_by_name() {
        for (form, line, said) in [
            (RedisForm::Standalone, "redis_mode:sentinel", "redis+sentinel://"),
            (RedisForm::Standalone, "redis_mode:cluster", "redis+cluster://"),
            (sentinel(), "redis_mode:cluster", "redis+cluster://"),
            (RedisForm::Standalone, "role:slave", "READONLY"),
            (RedisForm::Standalone, "redis_version:6.2.14", "6.2.14"),
            (RedisForm::Cluster, "redis_version:5.0.0", "5.0.0"),
        ] {
            let problem = suits(&form, &server(&[line])).unwrap_err();
            assert!(problem.contains(said), "{line}: {problem}");
        }
        for (form, line) in [
            (RedisForm::Standalone, "redis_version:7.2.4"),
            (RedisForm::Standalone, "redis_version:255.255.255"),
            (RedisForm::Standalone, "redis_version:unknown"),
            (RedisForm::Cluster, "redis_mode:cluster"),
            (sentinel(), "role:slave"),
        ] {
            assert_eq!(suits(&form, &server(&[line])), Ok(()), "{line}");
        }
    }

    #[test]
    fn the_servers_that_are_named_must_be_of_the_kind() {
        for (form, mode, said) in [
            (sentinel(), "standalone", "26379"),
            (sentinel(), "cluster", "26379"),
            (RedisForm::Cluster, "standalone", "redis://"),
            (RedisForm::Cluster, "sentinel", "redis+sentinel://"),
        ] {
            let problem = named_suits(&form, &server(&[&format!("redis_mode:{mode}")])).unwrap_err();
            assert!(problem.contains(said), "{problem}");
        }
        assert_eq!(named_suits(&sentinel(), &server(&["redis_mode:sentinel"])), Ok(()));
        assert_eq!(named_suits(&RedisForm::Cluster, &server(&["redis_mode:cluster"])), Ok(()));
    }

    #[test]
    fn advice_is_given_where_logins_could_be_lost() {
        let given = |form: &RedisForm, lines: &[&str]| advice(form, &server(lines)).join("; ");
        let fine = ["maxmemory:0", "maxmemory_policy:allkeys-lru", "aof_enabled:1", "connected_slaves:0"];
        assert_eq!(given(&RedisForm::Standalone, &fine), "");
        assert!(given(&RedisForm::Cluster, &fine).contains("no replica"));
        let text = given(
            &RedisForm::Standalone,
            &["maxmemory:1000", "used_memory:950", "maxmemory_policy:volatile-ttl", "aof_enabled:0"],
        );
        for part in ["volatile-ttl", "nearly full", "appendonly"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
