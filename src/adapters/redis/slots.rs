//! Which node of a cluster has which key (redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec): 16,384
//! slots, in ranges of which each has one master.

use crate::adapters::keys;
use crate::domain::redis_place::RedisAddress;
use redis::{Arg, Cmd, Value};

const SLOTS: u16 = 16_384;

/// The slots of one master that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) master: RedisAddress,
    /// Name of the master for as long as it lives; its address may change.
    pub(super) id: String,
    pub(super) replicas: Vec<RedisAddress>,
}

/// The slot of a command. Those that name no key all go to one node: the clock of the store is then one clock, for
/// whoever asks.
pub(super) fn slot_of_command(command: &Cmd) -> u16 {
    slot_of_key(key_of(command).unwrap_or(keys::PING.as_bytes()))
}

/// The first key of a command. A command of ours has all its keys in one slot.
fn key_of(command: &Cmd) -> Option<&[u8]> {
    let mut words = command.args_iter().filter_map(|word| {
        let Arg::Simple(word) = word else { return None };
        Some(word)
    });
    match words.next()? {
        b"EVAL" | b"EVALSHA" => words.nth(2),
        b"PUBLISH" | b"TIME" | b"INFO" => None,
        _ => words.next(),
    }
}

/// CRC16 of the part in braces, if there is one, else of the whole key.
pub(super) fn slot_of_key(key: &[u8]) -> u16 {
    crc16::State::<crc16::XMODEM>::calculate(tag(key).unwrap_or(key)) % SLOTS
}

fn tag(key: &[u8]) -> Option<&[u8]> {
    let (_, rest) = split(key, b'{')?;
    let (tag, _) = split(rest, b'}')?;
    (!tag.is_empty()).then_some(tag)
}

fn split(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let position = bytes.iter().position(|byte| *byte == at)?;
    let (before, after) = bytes.split_at_checked(position)?;
    Some((before, after.get(1..)?))
}

/// The range that holds `slot`, in a sorted table.
pub(super) fn range_of(table: &[Range], slot: u16) -> Option<&Range> {
    let at = table.partition_point(|range| range.last < slot);
    table.get(at).filter(|range| range.first <= slot)
}

/// Reads the answer to `CLUSTER SLOTS` that the node `asked` gave, sorted. A node without a name is the one that was asked.
pub(super) fn table(answer: &Value, asked: &RedisAddress) -> Vec<Range> {
    let Value::Array(ranges) = answer else { return Vec::new() };
    let mut table: Vec<Range> = ranges.iter().filter_map(|range| read_range(range, asked)).collect();
    table.sort_by_key(|range| range.first);
    table
}

fn read_range(range: &Value, asked: &RedisAddress) -> Option<Range> {
    let Value::Array(parts) = range else { return None };
    let mut parts = parts.iter();
    let (first, last) = (number(parts.next()?)?, number(parts.next()?)?);
    let (master, id) = read_node(parts.next()?, asked)?;
    let replicas = parts.filter_map(|node| Some(read_node(node, asked)?.0)).collect();
    (first <= last && last < SLOTS).then_some(Range { first, last, master, id, replicas })
}

fn read_node(node: &Value, asked: &RedisAddress) -> Option<(RedisAddress, String)> {
    let Value::Array(parts) = node else { return None };
    let mut parts = parts.iter();
    let host = parts.next()?;
    let host = if *host == Value::Nil { String::new() } else { text(host)? };
    let host = match host.as_str() {
        "" => asked.host.clone(),
        // The node does not know where it can be reached.
        "?" => return None,
        host => host.to_owned(),
    };
    let port = number(parts.next()?)?;
    let address = RedisAddress { host, port };
    let id = parts.next().and_then(text).unwrap_or_else(|| address.to_string());
    Some((address, id))
}

/// Where `MOVED` and `ASK` send to, as `host:port`; without a host it is that of the node that answered.
pub(super) fn redirection(target: &str, answered: &RedisAddress) -> Option<RedisAddress> {
    let (host, port) = target.rsplit_once(':')?;
    let host = if host.is_empty() { answered.host.as_str() } else { host };
    Some(RedisAddress { host: host.to_owned(), port: port.parse().ok()? })
}

fn number(value: &Value) -> Option<u16> {
    let Value::Int(number) = value else { return None };
    u16::try_from(*number).ok()
}

fn text(value: &Value) -> Option<String> {
    redis::from_redis_value_ref(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis::cmd;

    fn at(host: &str, port: u16) -> RedisAddress {
        RedisAddress { host: host.to_owned(), port }
    }

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn node(host: Value, port: i64, id: &str) -> Value {
        Value::Array(vec![host, Value::Int(port), bulk(id), Value::Array(Vec::new())])
    }

    fn range(first: i64, last: i64, nodes: Vec<Value>) -> Value {
        Value::Array([vec![Value::Int(first), Value::Int(last)], nodes].concat())
    }

    #[test]
    fn slots_are_those_of_the_specification() {
        // Values of CLUSTER KEYSLOT.
        for (key, slot) in [
            ("123456789", 12739),
            ("foo", 12182),
            ("{foo}bar", 12182),
            ("x{foo}{bar}", 12182),
            ("foo{}{bar}", 8363),
            ("foo{{bar}}zap", 4015),
            ("", 0),
            ("{", slot_of_key(b"{")),
        ] {
            assert_eq!(slot_of_key(key.as_bytes()), slot, "{key}");
        }
    }

    #[test]
    fn the_key_of_a_command_is_found() {
        let foo = slot_of_key(b"foo");
        assert_eq!(slot_of_command(cmd("GET").arg("foo")), foo);
        assert_eq!(slot_of_command(cmd("EVALSHA").arg("hash").arg(2).arg("foo").arg("{foo}2")), foo);
        assert_eq!(slot_of_command(cmd("EVAL").arg("text").arg(1).arg("foo").arg("x")), foo);
        let none = slot_of_key(keys::PING.as_bytes());
        for command in [cmd("TIME"), cmd("PUBLISH").arg("foo").arg("x").clone(), cmd("INFO"), Cmd::new()] {
            assert_eq!(slot_of_command(&command), none);
        }
    }

    #[test]
    fn a_table_is_read_and_asked() {
        let answer = Value::Array(vec![
            range(8000, 16383, vec![node(Value::Nil, 2, "b"), node(bulk("r"), 3, "c")]),
            range(0, 7000, vec![node(bulk("a"), 1, "a")]),
            range(7001, 7002, vec![node(bulk("?"), 9, "x")]),
            range(7003, 7003, vec![node(bulk(""), 4, "d")]),
            range(5, 4, vec![node(bulk("a"), 1, "a")]),
            range(0, 99_999, vec![node(bulk("a"), 1, "a")]),
            Value::Okay,
        ]);
        let table = table(&answer, &at("asked", 7));
        let master = |slot| range_of(&table, slot).map(|range| range.master.clone());
        assert_eq!(master(0), Some(at("a", 1)));
        assert_eq!(master(7000), Some(at("a", 1)));
        assert_eq!(master(7001), None, "nobody knows where that one is");
        assert_eq!(master(7003), Some(at("asked", 4)));
        assert_eq!(master(7500), None);
        assert_eq!(master(16383), Some(at("asked", 2)));
        assert_eq!(table[2].replicas, [at("r", 3)]);
        assert_eq!(super::table(&Value::Nil, &at("asked", 7)), []);
    }

    #[test]
    fn a_redirection_names_a_node() {
        let answered = at("here", 1);
        assert_eq!(redirection("10.0.0.1:6381", &answered), Some(at("10.0.0.1", 6381)));
        assert_eq!(redirection(":6381", &answered), Some(at("here", 6381)));
        assert_eq!(redirection("fd00::1:6381", &answered), Some(at("fd00::1", 6381)));
        assert_eq!(redirection("nowhere", &answered), None);
        assert_eq!(redirection("a:b", &answered), None);
    }
}
