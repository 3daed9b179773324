//! Merging the layers. The default file is the schema: it says which keys exist and which type each one has, and
//! values from the environment are read as that type.

use super::{Config, ConfigError};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

const DEFAULTS: &str = include_str!("../../config/default.toml");
const PREFIX: &str = "ENTRADA_";
/// Variables that only tests read.
const TEST_PREFIX: &str = "ENTRADA_TEST_";
const FILE_SUFFIX: &str = "_FILE";

/// Names from the field, and the key each one sets.
const NAMES: &[(&str, &str)] = &[
    ("ENTRADA_LISTEN", "server.listen"),
    ("ENTRADA_ADMIN_LISTEN", "server.admin_listen"),
    ("ENTRADA_ADMIN_TOKEN", "server.admin_token"),
    ("ENTRADA_PUBLIC_URL", "server.public_url"),
    ("ENTRADA_STORE", "store.url"),
    ("REDIS_URL", "store.url"),
    ("ENCRYPTION_KEY", "keys.encryption_key"),
    ("ENCRYPTION_KEYS", "keys.encryption_keys"),
    ("AZURE_CLIENT_ID", "entra.client_id"),
    ("DCR_AZURE_CLIENT_ID", "entra.client_id"),
    ("AZURE_CLIENT_SECRET", "entra.client_secret"),
    ("DCR_AZURE_CLIENT_SECRET", "entra.client_secret"),
    ("AZURE_CLIENT_CERTIFICATE_PATH", "entra.client_certificate_path"),
    ("AZURE_FEDERATED_TOKEN_FILE", "entra.federated_token_file"),
    ("AZURE_TENANT_ID", "entra.tenant_id"),
    ("DCR_AZURE_TENANT_ID", "entra.tenant_id"),
    ("AZURE_AUTHORITY_HOST", "entra.authority"),
    ("ENTRADA_ENTRA_AUTHORITY", "entra.authority"),
    ("DCR_ALLOWED_TENANTS", "entra.allowed_tenants"),
    ("DCR_ALLOWED_GROUPS", "entra.allowed_groups"),
    ("DCR_ALLOWED_ROLES", "entra.allowed_roles"),
    ("DCR_CAE", "entra.continuous_access"),
    ("ENTRADA_GRAPH_URL", "graph.url"),
    ("ENTRADA_INSECURE_UPSTREAM", "graph.insecure_upstream"),
    ("ENTRADA_LLM_URL", "llm.url"),
    ("ENTRADA_LLM_KEY", "llm.key"),
    ("ENTRADA_LLM_MODEL", "llm.model"),
    ("DCR_OAUTH_SCOPE", "oauth.scope_ceiling"),
    ("DCR_ALLOWED_USERS", "oauth.allowed_users"),
    ("DCR_ALLOWED_DOMAINS", "oauth.allowed_domains"),
    ("BLOCKED_SENDER_PATTERNS", "mail.blocked_senders"),
    ("RUST_LOG", "log.level"),
    ("ENTRADA_LOG", "log.level"),
];
const PROFILE: &str = "ENTRADA_CONFIG";
const PORT: &str = "PORT";
const ADMIN_URL: &str = "ENTRADA_ADMIN_URL";
const CHAT_KEY: [&str; 2] = ["ENTRADA_KEY", "ENTRADA_KEY_FILE"];

/// The variables of the process, as text.
pub(crate) type Environment = BTreeMap<String, String>;

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// `--config`; the variable `ENTRADA_CONFIG` names one otherwise.
    pub(crate) profile: Option<PathBuf>,
    pub(crate) environment: Environment,
    /// Keys that the command sets itself, e.g. `demo`; they win over everything.
    pub(crate) overrides: Vec<(&'static str, String)>,
}

/// Reads and merges all layers. The result is well-typed; [`Config::validate`] says whether it makes sense.
pub(crate) fn load(sources: &Sources) -> Result<Config, ConfigError> {
    let mut merged: Table = DEFAULTS.parse().map_err(|e| invalid("", "config/default.toml", &e))?;
    let profile = sources.profile.clone().or_else(|| sources.environment.get(PROFILE).map(PathBuf::from));
    if let Some(path) = profile {
        merge_file(&mut merged, &path)?;
    }
    for (key, source, text) in environment_values(&sources.environment, &merged)? {
        set(&mut merged, &key, &source, &text)?;
    }
    for (key, text) in &sources.overrides {
        set(&mut merged, key, "the command line", text)?;
    }
    Config::deserialize_table(merged)
}

impl Config {
    fn deserialize_table(table: Table) -> Result<Self, ConfigError> {
        table.try_into().map_err(|e| invalid("", "the merged settings", &e))
    }
}

fn merge_file(merged: &mut Table, path: &Path) -> Result<(), ConfigError> {
    let source = path.display().to_string();
    let text = read(path)?;
    let file: Table = text.parse().map_err(|e| unreadable(&source, &text, &e))?;
    for (section, value) in file {
        // The one list of tables; its entries are typed, and checked with everything else.
        if section == "clients" && value.is_array() {
            merged.insert(section, value);
            continue;
        }
        let Value::Table(entries) = value else { return Err(unknown(&section, &source, merged)) };
        for (key, value) in entries {
            let dotted = format!("{section}.{key}");
            let Some(slot) = slot(merged, &dotted) else { return Err(unknown(&dotted, &source, merged)) };
            if slot.type_str() != value.type_str() {
                let problem = format!("expected {}, got {}", slot.type_str(), value.type_str());
                return Err(invalid(&dotted, &source, &problem));
            }
            *slot = value;
        }
    }
    Ok(())
}

/// What the environment sets: key, where it comes from, text. In the order of `NAMES`, then the generic form.
fn environment_values(
    env: &Environment,
    known: &Table,
) -> Result<Vec<(String, String, String)>, ConfigError> {
    let mut values = Vec::new();
    if let Some(port) = env.get(PORT) {
        values.push(("server.listen".to_owned(), PORT.to_owned(), format!("0.0.0.0:{port}")));
    }
    for (name, key) in NAMES {
        push(&mut values, env, name, (*key).to_owned())?;
    }
    for name in env.keys().filter(|n| n.starts_with(PREFIX) && !is_foreign(n)) {
        let base = name.strip_suffix(FILE_SUFFIX).unwrap_or(name);
        if NAMES.iter().any(|(known, _)| known == name || *known == base) {
            continue;
        }
        let key =
            |name: &str| name.strip_prefix(PREFIX).unwrap_or_default().to_lowercase().replace("__", ".");
        let direct = key(name);
        if lookup(known, &direct) {
            values.push((direct, name.clone(), env.get(name).cloned().unwrap_or_default()));
        } else if base != name && lookup(known, &key(base)) {
            push(&mut values, env, base, key(base))?;
        } else {
            return Err(unknown(name, "the environment", known));
        }
    }
    Ok(values)
}

/// Variables with our prefix that are no settings: the profile's name, `entrada admin`'s address, `entrada chat`'s key, those of tests, and what Kubernetes sets in
/// every pod beside a Service called `entrada`.
fn is_foreign(name: &str) -> bool {
    name == PROFILE
        || name == ADMIN_URL
        || CHAT_KEY.contains(&name)
        || name.starts_with(TEST_PREFIX)
        || name.starts_with("ENTRADA_SERVICE_")
        || name == "ENTRADA_PORT"
        || name.starts_with("ENTRADA_PORT_")
}

/// Adds the value of `name` or of the file that `NAME_FILE` points to; both at once are refused.
fn push(
    values: &mut Vec<(String, String, String)>,
    env: &Environment,
    name: &str,
    key: String,
) -> Result<(), ConfigError> {
    let file = format!("{name}{FILE_SUFFIX}");
    match (env.get(name), env.get(&file)) {
        (Some(_), Some(_)) => Err(invalid(&key, name, &format!("set either {name} or {file}, not both"))),
        (Some(text), None) => {
            values.push((key, name.to_owned(), text.clone()));
            Ok(())
        }
        (None, Some(path)) => {
            values.push((key, file, read(Path::new(path))?.trim_end_matches(['\r', '\n']).to_owned()));
            Ok(())
        }
        (None, None) => Ok(()),
    }
}

/// Sets `key` to `text`, read as the type that the key has.
fn set(merged: &mut Table, key: &str, source: &str, text: &str) -> Result<(), ConfigError> {
    let Some(slot) = slot(merged, key) else { return Err(unknown(key, source, merged)) };
    let text = text.trim();
    let bad = |expected: &str| invalid(key, source, &format!("expected {expected}"));
    *slot = match slot {
        Value::String(_) => Value::String(text.to_owned()),
        Value::Integer(_) => Value::Integer(text.parse().map_err(|_| bad("a whole number"))?),
        Value::Boolean(_) => Value::Boolean(match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => true,
            "false" | "0" | "no" | "off" => false,
            _ => return Err(bad("true or false")),
        }),
        Value::Array(_) => {
            let items = text.split([',', ' ']).map(str::trim).filter(|item| !item.is_empty());
            Value::Array(items.map(|item| Value::String(item.to_owned())).collect())
        }
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => return Err(bad("a plain value")),
    };
    Ok(())
}

fn slot<'a>(table: &'a mut Table, dotted: &str) -> Option<&'a mut Value> {
    let (section, key) = dotted.split_once('.')?;
    table.get_mut(section)?.as_table_mut()?.get_mut(key)
}

fn lookup(table: &Table, dotted: &str) -> bool {
    dotted.split_once('.').is_some_and(|(s, k)| table.get(s).and_then(|v| v.get(k)).is_some())
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map_err(|e| ConfigError::File { path: path.to_owned(), problem: e.to_string() })
}

fn invalid(key: &str, source: &str, problem: &impl ToString) -> ConfigError {
    ConfigError::Invalid { key: key.to_owned(), source_name: source.to_owned(), problem: problem.to_string() }
}

/// A file that is no TOML: what and where. The error's own text quotes the line, and with it a secret that stands there.
fn unreadable(source: &str, text: &str, error: &toml::de::Error) -> ConfigError {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let problem = format!("not valid TOML at line {line}: {}", error.message());
    ConfigError::File { path: PathBuf::from(source), problem }
}

/// The error for an unknown name, with the most similar known one in the same notation.
fn unknown(name: &str, source: &str, known: &Table) -> ConfigError {
    let keys = known.iter().flat_map(|(section, value)| {
        let entries = value.as_table().into_iter().flatten();
        entries.map(move |(key, _)| format!("{section}.{key}")).chain([section.clone()])
    });
    let as_variable = |key: String| format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"));
    let candidates: Vec<String> = if name.starts_with(PREFIX) {
        keys.filter(|k| k.contains('.'))
            .map(as_variable)
            .chain(NAMES.iter().map(|(n, _)| (*n).to_owned()))
            .collect()
    } else {
        keys.collect()
    };
    let similar = |candidate: &String| strsim::jaro_winkler(candidate, name);
    let suggestion = candidates.into_iter().max_by(|a, b| similar(a).total_cmp(&similar(b)));
    ConfigError::Unknown { name: name.to_owned(), source_name: source.to_owned(), suggestion }
}
