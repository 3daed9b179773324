//! What an operator meets when a setting is wrong.

use super::*;

const KEY: &str = "k:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn with(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let environment = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let config = load(&Sources { environment, ..Sources::default() })?;
    config.validate()?;
    Ok(config)
}

fn complete() -> Vec<(&'static str, &'static str)> {
    vec![
        ("ENCRYPTION_KEYS", KEY),
        ("AZURE_CLIENT_ID", "app"),
        ("AZURE_CLIENT_SECRET", "s3cret"),
        ("AZURE_TENANT_ID", "tenant"),
    ]
}

fn error(extra: &[(&str, &str)]) -> String {
    let mut pairs = complete();
    pairs.extend_from_slice(extra);
    with(&pairs).unwrap_err().to_string()
}

#[test]
fn the_names_of_the_field_and_the_generic_form_are_read() {
    let mut pairs = complete();
    pairs.extend([
        ("ENTRADA_LISTEN", "127.0.0.1:0"),
        ("REDIS_URL", "redis://cache:6379"),
        ("ENTRADA_OAUTH__ACCESS_TTL_S", "60"),
        ("DCR_ALLOWED_USERS", "a@x.example, b@x.example"),
        ("ENTRADA_INSECURE_UPSTREAM", "true"),
    ]);
    let config = with(&pairs).unwrap();
    assert_eq!(
        config.store_url().unwrap(),
        StoreUrl::Redis(Box::new(
            crate::domain::redis_place::RedisPlace::parse("redis://cache:6379").unwrap()
        ))
    );
    assert_eq!(config.oauth.access_ttl_s, 60);
    assert_eq!(config.oauth.allowed_users, ["a@x.example", "b@x.example"]);
    assert!(config.graph.insecure_upstream);
}

#[test]
fn an_unknown_name_stops_the_start_and_the_nearest_one_is_named() {
    assert!(error(&[("ENTRADA_OAUTH__ACCES_TTL_S", "60")]).contains("ENTRADA_OAUTH__ACCESS_TTL_S"));
    assert!(error(&[("ENTRADA_LISTN", "x")]).contains("ENTRADA_LISTEN"));
    assert!(error(&[("ENTRADA_LISTEN", "here")]).contains("server.listen"));
}

#[test]
fn a_language_model_is_named_whole_and_reached_safely() {
    let model = ("ENTRADA_LLM_MODEL", "small");
    let url = |url: &'static str| ("ENTRADA_LLM_URL", url);
    for good in [url("https://llm.example/v1"), url("")] {
        let mut pairs = complete();
        pairs.extend([good, model]);
        with(&pairs).unwrap();
    }
    assert!(error(&[url("https://llm.example/v1")]).contains("ENTRADA_LLM_MODEL"));
    for bad in
        ["http://llm.example/v1", "llm.example", "https://k@llm.example/v1", "https://llm.example/v1?k=1"]
    {
        assert!(error(&[url(bad), model]).contains("llm.url"), "{bad}");
    }
    let mut plain = complete();
    plain.extend([url("http://ollama:11434/v1"), model, ("ENTRADA_LLM__ALLOW_HTTP", "true")]);
    with(&plain).unwrap();
}

#[test]
fn what_kubernetes_puts_beside_a_service_of_our_name_is_not_a_setting() {
    let mut pairs = complete();
    pairs.extend([("ENTRADA_SERVICE_HOST", "10.0.0.1"), ("ENTRADA_PORT", "tcp://10.0.0.1:80")]);
    with(&pairs).unwrap();
}

#[test]
fn a_file_is_a_layer_and_its_unknown_keys_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("profile.toml");
    let load_file = |text: &str| {
        std::fs::write(&path, text).unwrap();
        load(&Sources { profile: Some(path.clone()), ..Sources::default() })
    };
    assert_eq!(load_file("[mcp]\nheartbeat_s = 3").unwrap().mcp.heartbeat_s, 3);
    assert!(load_file("[mcp]\nhartbeat_s = 3").unwrap_err().to_string().contains("mcp.heartbeat_s"));
    assert!(load_file("[mcp]\nheartbeat_s = \"3\"").unwrap_err().to_string().contains("mcp.heartbeat_s"));
}

#[test]
fn a_secret_can_come_from_a_file_but_not_from_two_places() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    std::fs::write(&path, "from-file\n").unwrap();
    let file = path.to_str().unwrap();
    let mut pairs = complete();
    pairs.retain(|(name, _)| *name != "AZURE_CLIENT_SECRET");
    pairs.push(("AZURE_CLIENT_SECRET_FILE", file));
    assert_eq!(with(&pairs).unwrap().entra.client_secret.expose(), "from-file");
    assert!(error(&[("AZURE_CLIENT_SECRET_FILE", file)]).contains("not both"));
}

#[test]
fn what_is_missing_is_named_with_its_remedy() {
    for (name, expected) in
        [("ENCRYPTION_KEYS", "entrada keys new"), ("AZURE_CLIENT_SECRET", "AZURE_CLIENT_SECRET")]
    {
        let mut pairs = complete();
        pairs.retain(|(n, _)| *n != name);
        assert!(with(&pairs).unwrap_err().to_string().contains(expected), "{name}");
    }
}

#[test]
fn dangerous_or_senseless_values_are_refused() {
    for (pair, expected) in [
        (("ENTRADA_PUBLIC_URL", "https://door.example/"), "trailing slash"),
        (("ENTRADA_PUBLIC_URL", "http://door.example"), "https"),
        (("ENTRADA_LISTEN", "0.0.0.0:80"), "server.public_url"),
        (("ENTRADA_GRAPH_URL", "http://graph.example/v1.0"), "ENTRADA_INSECURE_UPSTREAM"),
        (("ENTRADA_STORE", "mysql://x"), "store.url"),
        (("ENTRADA_OAUTH__CODE_TTL_S", "0"), "oauth.code_ttl_s"),
        (("ENTRADA_OAUTH__PERSONAL_KEY_TTL_S", "3600"), "oauth.personal_key_ttl_s"),
        (("ENTRADA_SERVICES__DEFAULT", "net"), "services.default"),
        (("ENTRADA_MCP__HEARTBEAT_S", "soon"), "whole number"),
    ] {
        assert!(error(&[pair]).contains(expected), "{pair:?}: {}", error(&[pair]));
    }
}

#[test]
fn no_error_repeats_a_secret() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("profile.toml");
    std::fs::write(&path, "[entra]\nclient_id = \"app\"\nclient_secret = \"hunter2\nx = 1\n").unwrap();
    let broken_file = error(&[("ENTRADA_CONFIG", path.to_str().unwrap())]);
    assert!(broken_file.contains("line 3"), "{broken_file}");
    let texts = [
        broken_file,
        error(&[("ENCRYPTION_KEYS", "k:hunter2")]),
        error(&[("ENTRADA_STORE", "mysql://u:hunter2@h")]),
    ];
    assert!(texts.iter().all(|t| !t.contains("hunter2")), "{texts:?}");
}
