//! The provider against the simulated tenant, over real HTTP.

use super::*;
use crate::adapters::http::{Clients, PlainHttp, client};
use crate::domain::clock::{Clock, SystemClock, TestClock};
use crate::sim::{Tenant, TenantOptions};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const REDIRECT: &str = "http://127.0.0.1:9/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn clients() -> Clients {
    Clients::new(PlainHttp::Allowed).unwrap()
}

struct World {
    url: String,
    tenant_id: String,
    settings: EntraSettings,
    http: reqwest::Client,
}

impl World {
    fn start() -> Self {
        let tenant = Tenant::bind(TenantOptions { workers: 1, ..TenantOptions::default() }).unwrap();
        let settings = EntraSettings {
            authority: tenant.authority(),
            tenant: "common".to_owned(),
            client_id: tenant.app_id().to_owned(),
            credential: Credential::Secret(Secret::new(tenant.app_secret().to_owned())),
            continuous_access: false,
            endpoints: Endpoints::default(),
            allowed_groups: Vec::new(),
            allowed_roles: Vec::new(),
            graph_url: tenant.graph_url(),
        };
        let (url, tenant_id) = (tenant.url(), tenant.tenant_id());
        actix_web::rt::spawn(tenant.run());
        Self { url, tenant_id, settings, http: client(PlainHttp::Allowed).unwrap() }
    }

    fn provider(&self) -> EntraProvider {
        EntraProvider::new(self.settings.clone(), clients(), Arc::new(SystemClock))
    }

    async fn fault(&self, rule: Value) {
        self.control("faults", rule).await;
    }

    async fn control(&self, route: &str, body: Value) {
        let url = format!("{}/_sim/{route}", self.url);
        assert!(self.http.post(url).json(&body).send().await.unwrap().status().is_success());
    }

    /// How often the tenant's keys were fetched.
    async fn key_fetches(&self) -> u64 {
        let counters = self.http.get(format!("{}/_sim/counters", self.url)).send().await.unwrap();
        let counters: Value = counters.json().await.unwrap();
        counters["routes"]["GET /{tenant}/discovery/v2.0/keys"].as_u64().unwrap_or(0)
    }

    /// Signs alice in at the account page; the code.
    async fn code(&self, provider: &EntraProvider) -> String {
        let request = UpstreamAuthorization {
            redirect_uri: REDIRECT.to_owned(),
            state: "s".to_owned(),
            nonce: "n".to_owned(),
            code_challenge: URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER)),
            scopes: scopes(),
            login_hint: None,
            prompt: None,
            claims: None,
        };
        let page = self.http.get(provider.authorize_url(&request).await.unwrap()).send().await.unwrap();
        let here = page.url().clone();
        let html = scraper::Html::parse_document(&page.text().await.unwrap());
        let select = |css: &str| scraper::Selector::parse(css).unwrap();
        let form = html.select(&select("form")).next().unwrap();
        let inputs = select("input[type=hidden]");
        let mut fields: Vec<(String, String)> = form
            .select(&inputs)
            .map(|i| (i.attr("name").unwrap().to_owned(), i.attr("value").unwrap().to_owned()))
            .collect();
        fields.push(("username".to_owned(), "alice@contoso.example".to_owned()));
        fields.push(("decision".to_owned(), "accept".to_owned()));
        let action = here.join(form.attr("action").unwrap()).unwrap();
        let landed = self.http.post(action).form(&fields).send().await.unwrap();
        let location = url::Url::parse(landed.headers()["location"].to_str().unwrap()).unwrap();
        location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
    }

    async fn exchange(
        &self,
        provider: &EntraProvider,
        verifier: &str,
        nonce: &str,
    ) -> Result<SignIn, IdentityError> {
        let exchange = CodeExchange {
            code: Secret::new(self.code(provider).await),
            redirect_uri: REDIRECT.to_owned(),
            verifier: Secret::new(verifier.to_owned()),
            nonce: nonce.to_owned(),
            scopes: scopes(),
        };
        provider.exchange(&exchange).await
    }
}

fn scopes() -> ScopeSet {
    ScopeSet::parse("User.Read Mail.Read")
}

#[actix_web::test]
async fn a_sign_in_yields_a_verified_person_and_refreshable_tokens() {
    let world = World::start();
    let provider = world.provider();
    provider.check().await.unwrap();
    let sign_in = world.exchange(&provider, VERIFIER, "n").await.unwrap();
    assert_eq!(&*sign_in.user.tid, world.tenant_id);
    assert_eq!(sign_in.tokens.profile.username, "alice@contoso.example");
    assert!(scopes().is_subset(&sign_in.tokens.scopes));
    assert!(!sign_in.tokens.scopes.contains("openid"));
    let refreshed = provider.refresh(&sign_in.user, &sign_in.tokens).await.unwrap();
    assert_eq!(refreshed.profile, sign_in.tokens.profile);
    assert_ne!(refreshed.access_token, sign_in.tokens.access_token);
}

#[actix_web::test]
async fn a_renamed_person_is_known_by_the_new_name() {
    let world = World::start();
    let provider = world.provider();
    let SignIn { user, mut tokens, .. } = world.exchange(&provider, VERIFIER, "n").await.unwrap();
    tokens.profile.username = "alice@before.example".to_owned();
    let refreshed = provider.refresh(&user, &tokens).await.unwrap();
    assert_eq!(refreshed.profile.username, "alice@contoso.example");
}

#[actix_web::test]
async fn tokens_of_one_person_never_refresh_the_record_of_another() {
    let world = World::start();
    let provider = world.provider();
    let alice = world.exchange(&provider, VERIFIER, "n").await.unwrap();
    let bob = UserKey::new(alice.user.tid.clone(), "somebody-else");
    let mixed = provider.refresh(&bob, &alice.tokens).await.unwrap_err();
    assert_eq!(mixed.fault, IdentityFault::InvalidIdToken);
}

#[actix_web::test]
async fn a_clock_that_runs_away_ends_no_login() {
    let world = World::start();
    let SignIn { user, tokens, .. } = world.exchange(&world.provider(), VERIFIER, "n").await.unwrap();
    let tomorrow = SystemClock.now().plus(Duration::from_hours(24));
    let clock = Arc::new(TestClock::at(tomorrow.as_millis()));
    let ahead = EntraProvider::new(world.settings.clone(), clients(), clock);
    let error = ahead.refresh(&user, &tokens).await.unwrap_err();
    assert_eq!(error.fault, IdentityFault::Unavailable, "{error}");
}

#[actix_web::test]
async fn a_foreign_nonce_or_verifier_signs_nobody_in() {
    let world = World::start();
    let provider = world.provider();
    let nonce = world.exchange(&provider, VERIFIER, "other").await.unwrap_err();
    assert_eq!(nonce.fault, IdentityFault::InvalidIdToken);
    let verifier = world.exchange(&provider, &"x".repeat(43), "n").await.unwrap_err();
    assert_eq!(verifier.fault, IdentityFault::GrantDead);
}

#[actix_web::test]
async fn unknown_keys_cost_one_fetch_per_cool_down() {
    let world = World::start();
    let clock = Arc::new(TestClock::at(SystemClock.now().as_millis()));
    let provider = EntraProvider::new(world.settings.clone(), clients(), clock.clone());
    world.exchange(&provider, VERIFIER, "n").await.unwrap();
    for (wait, fetched) in [(Duration::ZERO, 1), (KEY_COOL_DOWN, 2), (Duration::ZERO, 2), (KEY_COOL_DOWN, 3)]
    {
        clock.advance(wait);
        world.control("id_token", json!({"kid": "made-up", "times": 10})).await;
        for answer in join_all((0..10).map(|_| world.exchange(&provider, VERIFIER, "n"))).await {
            assert_eq!(answer.unwrap_err().fault, IdentityFault::InvalidIdToken);
        }
        assert_eq!(world.key_fetches().await, fetched);
    }
    world.exchange(&provider, VERIFIER, "n").await.unwrap();
    println!("H36 | 10 unknown key ids at once, four times (provider) | one fetch per cool-down | ok");
}

#[actix_web::test]
async fn discovery_is_read_again_after_an_outage() {
    let world = World::start();
    let provider = world.provider();
    world.fault(json!({"path": "*/.well-known/openid-configuration", "status": 503, "times": 1})).await;
    assert_eq!(provider.check().await.unwrap_err().fault, IdentityFault::Unavailable);
    provider.check().await.unwrap();
}

#[actix_web::test]
async fn outages_and_doubtful_refusals_do_not_end_a_login() {
    let world = World::start();
    let provider = world.provider();
    let SignIn { user, tokens, .. } = world.exchange(&provider, VERIFIER, "n").await.unwrap();
    let token_path = "*/oauth2/v2.0/token";
    world
        .fault(json!({"path": token_path, "status": 503, "times": 1, "headers": {"Retry-After": "7"}}))
        .await;
    let away = provider.refresh(&user, &tokens).await.unwrap_err();
    assert_eq!((away.fault, away.retry_after), (IdentityFault::Unavailable, Some(Duration::from_secs(7))));
    let refusal = json!({"error": "invalid_grant", "error_codes": [999_999]});
    world.fault(json!({"path": token_path, "status": 400, "times": 1, "body": refusal})).await;
    provider.refresh(&user, &tokens).await.unwrap();
    world.fault(json!({"path": token_path, "status": 400, "times": 2, "body": refusal})).await;
    assert_eq!(provider.refresh(&user, &tokens).await.unwrap_err().fault, IdentityFault::GrantDead);
}

#[actix_web::test]
async fn a_wrong_secret_is_our_fault_and_not_the_users() {
    let world = World::start();
    let SignIn { user, tokens, .. } = world.exchange(&world.provider(), VERIFIER, "n").await.unwrap();
    let settings =
        EntraSettings { credential: Credential::choose("wrong", "", ""), ..world.settings.clone() };
    let provider = EntraProvider::new(settings, clients(), Arc::new(SystemClock));
    let error = provider.refresh(&user, &tokens).await.unwrap_err();
    assert_eq!(error.fault, IdentityFault::CredentialRefused);
}
