//! From the settings file to the settings of each part.

use crate::actors::{GateSettings, RegistrySettings};
use crate::adapters::language_model::ModelSettings;
use crate::adapters::public_http::Stand;
use crate::config::{ClientEntry, Config, ConfigError, DpopSwitch, RefreshReuse, RegistrationSwitch};
use crate::domain::peer;
use crate::domain::rate::Rate;
use crate::domain::reach::Policy;
use crate::domain::scope::ScopeSet;
use crate::domain::secret::Secret;
use crate::edge::EdgeSettings;
use crate::mcp::McpSettings;
use crate::oauth::{
    ConfiguredClient, DpopSettings, LimitSettings, MetadataDocumentSettings, OauthSettings, RedirectPolicy,
    RegistrationMode, RegistrationSettings, ScopePolicy, TrustedIssuer,
};
use crate::openai::{ModelLimits, OpenAiSettings};
use crate::planner::Organizations;
use crate::services::ServiceSettings;
use crate::tools::confirm::WriteRules;
use crate::tools::dispatch::CallLimits;
use ipnet::IpNet;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub(super) fn gate(config: &Config) -> GateSettings {
    GateSettings {
        concurrent: config.graph.outlook_concurrent,
        requests: config.graph.outlook_requests,
        period: Duration::from_secs(config.graph.outlook_period_s),
        file_units: config.graph.file_units,
    }
}

pub(super) fn registry(config: &Config) -> RegistrySettings {
    RegistrySettings {
        max_streams: config.mcp.max_streams,
        max_streams_per_user: config.mcp.max_streams_per_user,
        session_ttl: Duration::from_secs(config.mcp.session_ttl_s),
    }
}

pub(super) fn call_limits(config: &Config) -> CallLimits {
    CallLimits {
        deadline: Duration::from_secs(config.tools.deadline_s),
        output_bytes: config.tools.output_bytes,
    }
}

pub(super) fn write_rules(config: &Config) -> WriteRules {
    WriteRules {
        recipient_domains: lowercase(&config.tools.recipient_domains),
        per_hour: config.tools.writes_per_hour,
    }
}

pub(super) fn services(config: &Config) -> Result<ServiceSettings, ConfigError> {
    Ok(ServiceSettings {
        read_only: config.tools.read_only,
        default_time_zone: config.mail.default_time_zone.clone(),
        blocked_senders: config.mail.blocked_senders.iter().map(|s| s.to_lowercase()).collect(),
        organizations: Arc::new(organizations(&config.services.organizations_file)?),
        ..ServiceSettings::default()
    })
}

/// The operator's table of organisations, or the one that is compiled in.
fn organizations(file: &str) -> Result<Organizations, ConfigError> {
    if file.is_empty() {
        return Ok(Organizations::built_in());
    }
    let path = PathBuf::from(file);
    let read = std::fs::read_to_string(&path).map_err(|error| error.to_string());
    let table = read.and_then(|text| Organizations::parse(&text));
    table.map_err(|problem| ConfigError::File { path, problem })
}

/// What the `net` service may look at.
pub(super) fn reach(config: &Config) -> Policy {
    Policy { allowed: networks(&config.net.allowed_ranges) }
}

fn scopes(config: &Config) -> ScopePolicy {
    let set = |names: &[String]| names.iter().map(String::as_str).collect::<ScopeSet>();
    let ceiling = set(&config.oauth.scope_ceiling);
    ScopePolicy {
        ceiling: (!ceiling.is_empty()).then_some(ceiling),
        admin_granted: set(&config.oauth.admin_granted_scopes),
    }
}

pub(super) fn oauth(config: &Config) -> OauthSettings {
    let oauth = &config.oauth;
    OauthSettings {
        access_ttl: Duration::from_secs(oauth.access_ttl_s),
        refresh_ttl: Duration::from_secs(oauth.refresh_ttl_s),
        grant_ttl: Duration::from_secs(oauth.grant_ttl_s),
        code_ttl: Duration::from_secs(oauth.code_ttl_s),
        client_ttl: Duration::from_secs(oauth.client_ttl_s),
        refresh_grace: Duration::from_secs(oauth.refresh_grace_s),
        reuse_revokes: oauth.refresh_reuse == RefreshReuse::Revoke,
        openid: oauth.openid,
        id_token_key_ttl: Duration::from_secs(oauth.id_token_key_ttl_s),
        client_credentials: oauth.client_credentials,
        personal_keys: oauth.personal_keys,
        personal_key_ttl: Duration::from_secs(oauth.personal_key_ttl_s),
        dpop: dpop(config),
        trusted_issuers: trusted_issuers(config),
        trusted_proxies: networks(&config.server.trusted_proxies),
        limits: limits(config),
        registration: registration(config),
        metadata_documents: MetadataDocumentSettings {
            enabled: config.client_metadata.enabled,
            allowed_hosts: lowercase(&config.client_metadata.allowed_hosts),
            denied_hosts: lowercase(&config.client_metadata.denied_hosts),
        },
        scopes: scopes(config),
        allowed_users: oauth.allowed_users.clone(),
        allowed_domains: oauth.allowed_domains.clone(),
        allowed_tenants: config.entra.allowed_tenants.clone(),
        allowed_groups: lowercase(&config.entra.allowed_groups),
        allowed_roles: config.entra.allowed_roles.clone(),
        ..OauthSettings::default()
    }
}

/// Whether clients may bind their tokens to a key.
fn dpop(config: &Config) -> DpopSettings {
    DpopSettings { offered: config.oauth.dpop == DpopSwitch::Optional, nonces: config.oauth.dpop_nonce }
}

fn registration(config: &Config) -> RegistrationSettings {
    let registration = &config.registration;
    let token = || Secret::new(registration.initial_access_token.expose().clone());
    RegistrationSettings {
        mode: match registration.mode {
            RegistrationSwitch::Open => RegistrationMode::Open,
            RegistrationSwitch::Token => RegistrationMode::Token(token()),
            RegistrationSwitch::Off => RegistrationMode::Off,
        },
        unused_ttl: Duration::from_secs(registration.unused_ttl_s),
        redirects: RedirectPolicy {
            schemes: registration.private_schemes.clone(),
            hosts: lowercase(&registration.redirect_hosts),
        },
    }
}

pub(super) fn lowercase(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| text.to_ascii_lowercase()).collect()
}

/// The clients of the settings, checked.
pub(super) fn clients(config: &Config) -> Result<Vec<ConfiguredClient>, ConfigError> {
    let client = |entry: &ClientEntry| {
        let client = ConfiguredClient {
            id: entry.id.clone(),
            name: entry.name.clone(),
            redirect_uris: entry.redirect_uris.clone(),
            auth_method: entry.auth_method,
            secret: entry.secret()?,
            jwks: entry.jwks()?,
            jwks_uri: entry.jwks_uri.clone(),
            grant_types: entry.grant_types.clone(),
            dpop_bound_access_tokens: entry.dpop_bound_access_tokens,
        };
        let refused = |problem: String| ConfigError::Refused { key: "clients", problem };
        client.validate().map_err(|fault| refused(format!("`{}`: {fault}", entry.id)))?;
        Ok(client)
    };
    config.clients.iter().map(client).collect()
}

/// Where tests have the hosts of client metadata.
pub(super) fn stand(config: &Config) -> Result<Stand, ConfigError> {
    let tests = &config.client_metadata;
    let address = |text: &String| {
        let (host, address) = text.split_once('=')?;
        let answers: Result<VecDeque<SocketAddr>, _> = address.split('|').map(str::parse).collect();
        Some((host.to_ascii_lowercase(), answers.ok()?))
    };
    let addresses = tests.test_addresses.iter().filter_map(address).collect();
    if tests.test_authority.is_empty() {
        return Ok(Stand { addresses, authorities: Vec::new() });
    }
    let path = PathBuf::from(&tests.test_authority);
    let unreadable =
        |error: std::io::Error| ConfigError::File { path: path.clone(), problem: error.to_string() };
    Ok(Stand { addresses, authorities: std::fs::read(&path).map_err(unreadable)? })
}

fn limits(config: &Config) -> LimitSettings {
    let limits = &config.limits;
    LimitSettings {
        enabled: limits.enabled,
        register: Rate::per_minute(limits.register_per_minute),
        authorize: Rate::per_minute(limits.authorize_per_minute),
        token: Rate::per_minute(limits.token_per_minute),
        other: Rate::per_minute(limits.other_per_minute),
        client: Rate::per_minute(limits.client_per_minute),
        user: Rate::per_minute(limits.user_per_minute),
        shared_ranges: networks(&limits.shared_ranges),
        shared_factor: limits.shared_factor,
    }
}

/// Checked with the settings, as everything here.
fn trusted_issuers(config: &Config) -> Vec<TrustedIssuer> {
    let all = config.trusted_issuers().unwrap_or_default().into_iter();
    all.map(|[issuer, jwks_url, tenant]| TrustedIssuer { issuer, jwks_url, tenant }).collect()
}

/// The texts were checked with the settings.
fn networks(texts: &[String]) -> Vec<IpNet> {
    texts.iter().filter_map(|text| peer::network(text)).collect()
}

pub(super) fn edge(config: &Config, address: SocketAddr) -> EdgeSettings {
    EdgeSettings {
        allowed_hosts: config.server.allowed_hosts.clone(),
        allowed_origins: config.server.allowed_origins.clone(),
        local: address.ip().is_loopback(),
    }
}

pub(super) fn openai(config: &Config, address: SocketAddr) -> OpenAiSettings {
    let shared = McpSettings::default();
    OpenAiSettings {
        max_body: config.mcp.max_body_bytes,
        body_timeout: shared.body_timeout,
        heartbeat: Duration::from_secs(config.mcp.heartbeat_s),
        patience: shared.patience,
        max_running_per_user: config.openai.max_running_per_user.max(1),
        edge: edge(config, address),
    }
}

/// Bounds of the language model's work.
pub(super) fn model_limits(config: &Config) -> ModelLimits {
    ModelLimits {
        steps: config.llm.max_steps,
        time: Duration::from_secs(config.llm.timeout_s),
        tokens_per_day: config.llm.tokens_per_day,
        destructive_tools: config.llm.destructive_tools,
    }
}

/// The language model, where there is one.
pub(super) fn language_model(config: &Config) -> Option<ModelSettings> {
    let llm = &config.llm;
    (!llm.url.is_empty()).then(|| ModelSettings {
        url: llm.url.clone(),
        key: Secret::new(llm.key.expose().clone()),
        model: llm.model.clone(),
        silence: Duration::from_secs(llm.silence_s),
        time: Duration::from_secs(llm.timeout_s),
    })
}

pub(super) fn mcp(config: &Config, address: SocketAddr) -> McpSettings {
    McpSettings {
        session_ttl: Duration::from_secs(config.mcp.session_ttl_s),
        max_sessions_per_user: config.mcp.max_sessions_per_user,
        max_sessions_per_client: config.mcp.max_sessions_per_client,
        max_body: config.mcp.max_body_bytes,
        max_depth: config.mcp.max_json_depth,
        heartbeat: Duration::from_secs(config.mcp.heartbeat_s),
        trusted_proxies: networks(&config.server.trusted_proxies),
        edge: edge(config, address),
        lenient_sessions: config.mcp.lenient_sessions,
        ..McpSettings::default()
    }
}
