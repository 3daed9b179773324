//! Where Redis is: every form of the store's URL, read into one type.
//!
//! ```text
//! redis://[user:password@]host[:port][/database]                              one server
//! redis+sentinel://[user:password@]host[:port],host[:port]/master[/database]  the master that sentinels name
//! redis+cluster://[user:password@]host[:port],host[:port]                     a cluster, by some of its nodes
//! ```
//!
//! `rediss` in place of `redis` is TLS, and `valkey`/`valkeys` mean the same as both. What is special in a URL is written
//! `%40` and so on in user and password. No error repeats any part of the URL, which may hold a password.

use super::secret::Secret;
use percent_encoding::percent_decode_str;
use std::fmt;

const REDIS_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26_379;
/// Databases that a server has at most, unless it was built otherwise.
const MAX_DATABASE: u16 = 10_000;

/// How Redis is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RedisForm {
    /// One server, or an address that always leads to the master.
    Standalone,
    /// The nodes are sentinels, who name the master.
    Sentinel { master: String },
    /// The nodes are some of a cluster, who name the others.
    Cluster,
}

/// Who somebody is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RedisLogin {
    /// `None` is the account `default`.
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret<String>>,
}

/// What TLS uses beside the authorities of the system. PEM, as read from the files of the settings.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct RedisTls {
    /// The only authorities that are trusted; `None`: those of the system.
    pub(crate) authorities: Option<Vec<u8>>,
    /// Certificate and key that we show, where Redis asks its clients for one.
    pub(crate) client: Option<(Vec<u8>, Secret<Vec<u8>>)>,
}

impl fmt::Debug for RedisTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisTls(private authority: {}, ", self.authorities.is_some())?;
        write!(f, "certificate: {})", self.client.is_some())
    }
}

/// One address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RedisAddress {
    /// Name or address; one of IPv6 without its brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A place to find Redis at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RedisPlace {
    pub(crate) form: RedisForm,
    /// At least one; exactly one of a server by itself.
    pub(crate) nodes: Vec<RedisAddress>,
    /// `None`: without TLS.
    pub(crate) tls: Option<RedisTls>,
    pub(crate) login: RedisLogin,
    /// Of the sentinels, which have accounts of their own.
    pub(crate) sentinel_login: RedisLogin,
    pub(crate) database: u16,
}

/// Why a URL names no place. Tells what to write instead and never what stood there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct RedisPlaceError(&'static str);

const SHAPES: &str = "must be redis://[user:password@]host[:port][/database], \
    redis+sentinel://[user:password@]host:port,host:port/master-name[/database] or \
    redis+cluster://[user:password@]host:port,host:port; with TLS rediss:// in place of redis://";

type Parsed<T> = Result<T, RedisPlaceError>;

fn refuse<T>(problem: &'static str) -> Parsed<T> {
    Err(RedisPlaceError(problem))
}

impl RedisPlace {
    /// Reads a URL. Whether anybody is there is another question.
    pub(crate) fn parse(url: &str) -> Parsed<Self> {
        let Some((scheme, rest)) = url.split_once("://") else { return refuse(SHAPES) };
        let (base, kind) = scheme.split_once('+').map_or((scheme, None), |(base, kind)| (base, Some(kind)));
        let tls = match base {
            "redis" | "valkey" => None,
            "rediss" | "valkeys" => Some(RedisTls::default()),
            _ => return refuse(SHAPES),
        };
        if rest.contains('#') {
            return refuse(
                "holds a `#`: in a password it is written %23; nothing else goes there, and certificates are always verified",
            );
        }
        if rest.contains('?') {
            return refuse(
                "takes nothing after a `?`: in a password it is written %3F; files of TLS and the password of sentinels have settings of their own, see store.ca_file",
            );
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if path.contains('@') {
            return refuse("has an `@` after a `/`: in user and password, `/` is written %2F");
        }
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (Self::login(login)?, hosts),
            None => (RedisLogin::default(), authority),
        };
        let form = match kind {
            None => RedisForm::Standalone,
            Some("sentinel") => RedisForm::Sentinel { master: String::new() },
            Some("cluster") => RedisForm::Cluster,
            Some(_) => return refuse(SHAPES),
        };
        let port = if matches!(form, RedisForm::Sentinel { .. }) { SENTINEL_PORT } else { REDIS_PORT };
        let nodes = hosts.split(',').map(|host| address(host, port)).collect::<Parsed<Vec<_>>>()?;
        if form == RedisForm::Standalone && nodes.len() > 1 {
            return refuse(
                "names several hosts: write redis+sentinel:// (with /master-name) or redis+cluster:// for them",
            );
        }
        let (form, database) = Self::form_and_database(form, path.trim_end_matches('/'))?;
        Ok(Self { form, nodes, tls, login, sentinel_login: RedisLogin::default(), database })
    }

    fn form_and_database(form: RedisForm, path: &str) -> Parsed<(RedisForm, u16)> {
        match form {
            RedisForm::Standalone => Ok((form, database(path)?)),
            RedisForm::Cluster if path.is_empty() || path == "0" => Ok((form, 0)),
            RedisForm::Cluster => refuse("names a database: a cluster has no others than 0, so leave it out"),
            RedisForm::Sentinel { .. } => {
                let (name, number) = path.split_once('/').unwrap_or((path, ""));
                let master = decoded(name)?;
                if master.is_empty() || master.chars().any(|c| c.is_whitespace() || c.is_control()) {
                    return refuse(
                        "lacks the name of the master: redis+sentinel://host:port,host:port/master-name, as `sentinel monitor` has it",
                    );
                }
                Ok((RedisForm::Sentinel { master }, database(number)?))
            }
        }
    }

    fn login(text: &str) -> Parsed<RedisLogin> {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        if user.is_empty() && password.is_empty() {
            return refuse("has an `@` without user and password before it");
        }
        if password.is_empty() {
            return refuse(
                "names a user without a password: write user:password@, or :password@ for the account `default`",
            );
        }
        if password.contains(':') {
            return refuse("has several `:` before the `@`: in user and password, `:` is written %3A");
        }
        let user = Some(decoded(user)?).filter(|user| !user.is_empty());
        Ok(RedisLogin { user, password: Some(Secret::new(decoded(password)?)) })
    }

    /// What this is, for operators; without anything secret.
    pub(crate) fn describe(&self) -> String {
        let nodes: Vec<String> = self.nodes.iter().map(ToString::to_string).collect();
        let nodes = nodes.join(", ");
        let place = match &self.form {
            RedisForm::Standalone => format!("Redis at {nodes}"),
            RedisForm::Sentinel { master } => format!("the master `{master}` of the sentinels at {nodes}"),
            RedisForm::Cluster => format!("the Redis Cluster around {nodes}"),
        };
        let secured = match &self.tls {
            None => "without TLS",
            Some(tls) if tls.authorities.is_some() => "over TLS, by store.ca_file",
            Some(_) => "over TLS",
        };
        let user = match (&self.login.user, &self.login.password) {
            (Some(user), _) => format!("as `{user}`"),
            (None, Some(_)) => "as `default`".to_owned(),
            (None, None) => "without a password".to_owned(),
        };
        format!("{place}, {secured}, {user}")
    }
}

fn address(text: &str, default: u16) -> Parsed<RedisAddress> {
    const MALFORMED: &str = "has a host that is none: write name:port, address:port or [IPv6 address]:port, and %40, %2F, %3A for `@`, `/`, `:` in a password";
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or(RedisPlaceError(MALFORMED))?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| RedisPlaceError(MALFORMED))?;
            (host, rest.strip_prefix(':').or_else(|| rest.is_empty().then_some("")))
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port).filter(|port| !port.is_empty())),
            None => (text, Some("")),
        },
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    let port = match port {
        Some("") => Some(default),
        Some(port) => port.parse().ok().filter(|port| *port > 0),
        None => None,
    };
    match port {
        Some(port) if !host.is_empty() && host.chars().all(is_name) => {
            Ok(RedisAddress { host: host.to_owned(), port })
        }
        Some(_) | None => refuse(MALFORMED),
    }
}

fn database(text: &str) -> Parsed<u16> {
    if text.is_empty() {
        return Ok(0);
    }
    match text.parse() {
        Ok(number) if number <= MAX_DATABASE && text.bytes().all(|b| b.is_ascii_digit()) => Ok(number),
        Ok(_) | Err(_) => refuse("ends in a database that is no number: write /0, or leave it out"),
    }
}

fn decoded(text: &str) -> Parsed<String> {
    let text = percent_decode_str(text).decode_utf8();
    text.map(std::borrow::Cow::into_owned)
        .map_err(|_| RedisPlaceError("has a %-escape that is no UTF-8 in user, password or name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(host: &str, port: u16) -> RedisAddress {
        RedisAddress { host: host.to_owned(), port }
    }

    fn login(user: Option<&str>, password: &str) -> RedisLogin {
        RedisLogin { user: user.map(str::to_owned), password: Some(Secret::new(password.to_owned())) }
    }

    #[test]
    fn a_server_by_itself() {
        let place = RedisPlace::parse("redis://cache").unwrap();
        assert_eq!(
            (&place.form, place.nodes.as_slice()),
            (&RedisForm::Standalone, [at("cache", 6379)].as_slice())
        );
        assert_eq!((place.tls, place.login, place.database), (None, RedisLogin::default(), 0));
        let place = RedisPlace::parse("rediss://app:p%40ss%2F@[::1]:6380/3").unwrap();
        assert_eq!(place.nodes, [at("::1", 6380)]);
        assert_eq!((place.tls, place.database), (Some(RedisTls::default()), 3));
        assert_eq!(place.login, login(Some("app"), "p@ss/"));
        assert_eq!(RedisPlace::parse("valkeys://:x@h/").unwrap().login, login(None, "x"));
        assert_eq!(RedisPlace::parse("valkey://h:1").unwrap(), RedisPlace::parse("redis://h:1/0").unwrap());
    }

    #[test]
    fn sentinels_and_the_name_of_their_master() {
        let place = RedisPlace::parse("redis+sentinel://u:p@a:1,b,[::2]:3/my-master/4").unwrap();
        assert_eq!(place.form, RedisForm::Sentinel { master: "my-master".to_owned() });
        assert_eq!(place.nodes, [at("a", 1), at("b", 26_379), at("::2", 3)]);
        assert_eq!((place.login, place.database), (login(Some("u"), "p"), 4));
        assert!(RedisPlace::parse("rediss+sentinel://a/m").unwrap().tls.is_some());
    }

    #[test]
    fn some_nodes_of_a_cluster() {
        let place = RedisPlace::parse("rediss+cluster://u:p@a:1,b:2").unwrap();
        assert_eq!((place.form, place.nodes), (RedisForm::Cluster, vec![at("a", 1), at("b", 2)]));
        assert!(place.tls.is_some());
        assert_eq!(RedisPlace::parse("valkey+cluster://a/0").unwrap().nodes, [at("a", 6379)]);
    }

    #[test]
    fn whatever_is_wrong_is_refused_with_a_remedy_and_never_repeated() {
        for (url, remedy) in [
            ("", "redis://"),
            ("pa55word", "redis://"),
            ("pa55word://h", "redis://"),
            ("http://pa55word@h", "redis+cluster://"),
            ("redis+pa55word://h", "redis+sentinel://"),
            ("redis-cluster://h", "redis+cluster://"),
            ("redis://", "name:port"),
            ("redis://:pa55word@host:port", "name:port"),
            ("redis://:pa55word@host:0", "name:port"),
            ("redis://:pa55word@host:70000", "name:port"),
            ("redis://host:", "name:port"),
            ("redis://h h", "name:port"),
            ("redis://[::1", "IPv6"),
            ("redis://[::1]6379", "IPv6"),
            ("redis://[pa55word]:1", "IPv6"),
            ("redis://:pa55/word@h", "%2F"),
            ("redis://u:pa55:word@h", "%3A"),
            ("redis://:pa55#word@h", "%23"),
            ("redis://:pa55?word@h", "%3F"),
            ("rediss://h#insecure", "verified"),
            ("rediss://h?ssl_ca_certs=pa55word", "store.ca_file"),
            ("redis://pa55word@h", ":password@"),
            ("redis://:@h", "without user"),
            ("redis://h/pa55word", "/0"),
            ("redis://h/-1", "/0"),
            ("redis://h/+1", "/0"),
            ("redis://h/1/pa55word", "/0"),
            ("redis://a,b", "redis+cluster://"),
            ("redis://:%ff@h", "UTF-8"),
            ("redis+sentinel://a:1,b:2", "master-name"),
            ("redis+sentinel://a:1//0", "master-name"),
            ("redis+sentinel://a:1/pa55%20word", "master-name"),
            ("redis+sentinel://a:1/m/pa55word", "/0"),
            ("redis+sentinel://a:1,,b:2/m", "name:port"),
            ("redis+cluster://a:1/1", "leave it out"),
        ] {
            let error = RedisPlace::parse(url).unwrap_err().to_string();
            assert!(error.contains(remedy), "{url}: {error}");
            assert!(!error.contains("pa55"), "{url}: {error}");
        }
    }

    #[test]
    fn a_description_and_a_debug_print_hold_no_password() {
        let mut place = RedisPlace::parse("rediss+sentinel://u:pa55word@a:1,b:2/m").unwrap();
        place.tls = Some(RedisTls {
            authorities: Some(b"pem".to_vec()),
            client: Some((b"c".to_vec(), Secret::new(b"k".to_vec()))),
        });
        let (text, debug) = (place.describe(), format!("{place:?}"));
        assert!(!text.contains("pa55word") && !debug.contains("pa55word"), "{text} {debug}");
        for part in ["`m`", "a:1, b:2", "store.ca_file", "`u`"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
