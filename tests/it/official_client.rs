//! Everything that `rmcp` offers, step by step, against the fixture service. `tests/clients/run` reads the lines that
//! these tests print and puts them beside those of the other official clients.

use super::support::cluster::{Cluster, Plan, Store};
use super::support::http::eventually;
use super::support::official::{self, Official, sign_in};
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientConfig, ClientRequest, ElicitRequestParams, ElicitResult,
    ElicitationAction, GetPromptRequestParams, Implementation, ProgressNotificationParam,
    ReadResourceRequestParams, ResourceUpdatedNotificationParam, ServerNotification, SubscribeRequestParams,
    SubscriptionFilter, UnsubscribeRequestParams,
};
use rmcp::service::{NotificationContext, PeerRequestOptions, RequestContext, RunningService, Subscription};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::auth::AuthClient;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientHandler, ClientServiceExt, ErrorData, RoleClient};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const ALICE: &str = "alice@contoso.example";
const WATCHED: &str = "test://watched-resource";
const TOOLS_CHANGED: &str = "tools";
const SIMPLE: &str = "This is a simple text response for testing.";

/// Keeps what the server says, and answers its questions.
#[derive(Clone, Default)]
struct Ear {
    heard: Arc<Mutex<Vec<String>>>,
    /// Shares in percent.
    progress: Arc<Mutex<Vec<f64>>>,
}

impl ClientHandler for Ear {
    fn get_info(&self) -> ClientConfig {
        let capabilities = serde_json::from_value(json!({ "elicitation": { "form": {} } })).unwrap();
        ClientConfig::new(capabilities, Implementation::new("entrada-tests", "1"))
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let ElicitRequestParams::FormElicitationParams { requested_schema, .. } = request else {
            return Ok(ElicitResult::new(ElicitationAction::Decline));
        };
        let field = requested_schema.properties.keys().next().unwrap();
        Ok(ElicitResult::new(ElicitationAction::Accept).with_content(json!({ field: "Ada" })))
    }

    async fn on_progress(&self, params: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.progress.lock().unwrap().push(100.0 * params.progress / params.total.unwrap());
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.heard.lock().unwrap().push(TOOLS_CHANGED.to_owned());
    }

    async fn on_resource_updated(
        &self,
        params: ResourceUpdatedNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.heard.lock().unwrap().push(params.uri);
    }
}

/// A connected client of one era.
struct Peer {
    service: RunningService<RoleClient, Ear>,
    ear: Ear,
    is_modern: bool,
}

impl Peer {
    async fn open(cluster: &Cluster, auth: AuthClient<reqwest::Client>, is_modern: bool) -> Self {
        let ear = Ear::default();
        let config =
            StreamableHttpClientTransportConfig::with_uri(format!("{}/conformance/mcp", cluster.url));
        let transport = StreamableHttpClientTransport::with_client(auth, config);
        let mode = if is_modern { official::modern() } else { official::legacy() };
        let service = ear.clone().serve_with_lifecycle(transport, mode).await.unwrap();
        Self { service, ear, is_modern }
    }

    async fn call(&self, tool: &'static str, arguments: Value) -> (String, bool) {
        let params = CallToolRequestParams::new(tool);
        let params = params.with_arguments(arguments.as_object().cloned().unwrap_or_default());
        let result = self.service.call_tool(params).await.unwrap();
        let text = result.content.iter().filter_map(|part| part.as_text()).map(|part| part.text.as_str());
        (text.collect(), result.is_error == Some(true))
    }

    /// Calls the tool that announces a change until this client hears of it.
    async fn hears(&self, tool: &'static str, what: &str) {
        let before = self.ear.heard.lock().unwrap().len();
        eventually(&format!("{what} after {tool}"), || async {
            self.call(tool, json!({})).await;
            let heard = self.ear.heard.lock().unwrap();
            heard[before..].iter().any(|said| said == what).then_some(())
        })
        .await;
    }

    async fn listen(&self) -> Subscription {
        let filter =
            SubscriptionFilter::builder().tools_list_changed().resource_subscription(WATCHED).build();
        let subscription = self.service.listen(filter.clone()).await.unwrap();
        assert_eq!(subscription.acknowledged(), &filter);
        subscription
    }

    fn tell(&self, step: &str, detail: &str) {
        let era = if self.is_modern { "modern" } else { "legacy" };
        println!("\nstep | rmcp | {era} | {step} | ok | {detail}");
    }

    async fn list(&self) {
        let tools = self.service.list_all_tools().await.unwrap();
        let prompts = self.service.list_all_prompts().await.unwrap();
        let resources = self.service.list_all_resources().await.unwrap();
        assert!(tools.iter().any(|tool| tool.name == "test_simple_text") && tools.len() >= 35);
        assert!(resources.iter().any(|resource| resource.uri == WATCHED));
        let prompt =
            self.service.get_prompt(GetPromptRequestParams::new("test_simple_prompt")).await.unwrap();
        assert!(!prompt.messages.is_empty());
        let read = ReadResourceRequestParams::new("test://static-text");
        assert_eq!(self.service.read_resource(read).await.unwrap().contents.len(), 1);
        let (tools, prompts, resources) = (tools.len(), prompts.len(), resources.len());
        self.tell(
            "list",
            &format!("{tools} tools, {prompts} prompts, {resources} resources; one of each read"),
        );
    }

    async fn calls(&self) {
        assert_eq!(self.call("test_simple_text", json!({})).await, (SIMPLE.to_owned(), false));
        let region = self.call("test_custom_header", json!({ "region": "서울" })).await;
        assert_eq!(region.0, "Region: 서울");
        assert!(self.call("test_error_handling", json!({})).await.1);
        self.tell("call", "text, an argument that travels in a header too, an error");
    }

    async fn progress(&self) {
        self.call("test_tool_with_progress", json!({})).await;
        let wanted = [0.0, 50.0, 100.0];
        // The handler runs beside the call, so the last step may be noted after the answer.
        eventually("three steps of progress", || async {
            (self.ear.progress.lock().unwrap().len() == wanted.len()).then_some(())
        })
        .await;
        assert_eq!(*self.ear.progress.lock().unwrap(), wanted);
        self.tell("progress", "0/100, 50/100, 100/100");
    }

    async fn cancel(&self, cluster: &Cluster) {
        let params = CallToolRequestParams::new("slow_compute");
        let params = params.with_arguments(json!({ "seconds": 25 }).as_object().cloned().unwrap_or_default());
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        let options = PeerRequestOptions::no_options();
        let handle = self.service.send_cancellable_request(request, options).await.unwrap();
        eventually("the call has reached the server", || async {
            // Whatever is answered now was sent after the call.
            self.call("test_simple_text", json!({})).await;
            Some(())
        })
        .await;
        handle.cancel(Some("the person pressed Escape".to_owned())).await.unwrap();
        eventually("the server stopped the call", || async {
            let log = cluster.replicas[0].stderr();
            let stopped = |line: &str| line.contains("\"slow_compute\"") && line.contains("\"cancelled\"");
            log.lines().any(stopped).then_some(())
        })
        .await;
        self.tell("cancel", "withdrawn here, stopped there");
    }

    #[expect(deprecated, reason = "the legacy era has no other way")]
    async fn subscribe(&self) {
        if self.is_modern {
            let mut changes = self.listen().await;
            self.call("test_trigger_tool_change", json!({})).await;
            self.call("test_trigger_resource_change", json!({})).await;
            let first = changes.next().await.unwrap();
            assert!(matches!(first, Some(ServerNotification::ToolListChangedNotification(_))), "{first:?}");
            let second = changes.next().await.unwrap();
            let Some(ServerNotification::ResourceUpdatedNotification(updated)) = second else {
                panic!("{second:?}");
            };
            assert_eq!(updated.params.uri, WATCHED);
            changes.cancel().await.unwrap();
            return self.tell("subscribe", "changes of list and resource arrive");
        }
        self.service.subscribe(SubscribeRequestParams::new(WATCHED)).await.unwrap();
        self.hears("test_trigger_tool_change", TOOLS_CHANGED).await;
        self.hears("test_trigger_resource_change", WATCHED).await;
        self.service.unsubscribe(UnsubscribeRequestParams::new(WATCHED)).await.unwrap();
        let before = self.ear.heard.lock().unwrap().len();
        self.call("test_trigger_resource_change", json!({})).await;
        self.hears("test_trigger_tool_change", TOOLS_CHANGED).await;
        assert!(!self.ear.heard.lock().unwrap()[before..].iter().any(|said| said == WATCHED));
        self.tell("subscribe", "changes of list and resource arrive, and after unsubscribing none");
    }

    async fn elicit(&self) {
        let (text, _) = if self.is_modern {
            self.call("test_input_required_result_elicitation", json!({})).await
        } else {
            self.call("test_elicitation", json!({ "message": "Who are you?" })).await
        };
        assert!(text.contains("Ada"), "{text}");
        self.tell("elicit", &text);
    }

    /// The server dies and comes back; the session and the sign-in are still there.
    async fn reconnect(&self, cluster: &mut Cluster) {
        if self.is_modern {
            let mut changes = self.listen().await;
            cluster.crash_and_restart(0).await;
            while let Ok(Some(_)) = changes.next().await {}
            let mut changes = self.listen().await;
            self.call("test_trigger_tool_change", json!({})).await;
            assert!(changes.next().await.unwrap().is_some());
            changes.cancel().await.unwrap();
            return self.tell("reconnect", "server killed: listen stream told, listens again");
        }
        let (text, _) = self.call("test_reconnection", json!({})).await;
        assert!(text.contains("completed successfully"), "{text}");
        cluster.crash_and_restart(0).await;
        assert_eq!(self.call("test_simple_text", json!({})).await.0, SIMPLE);
        self.hears("test_trigger_tool_change", TOOLS_CHANGED).await;
        self.tell(
            "reconnect",
            "answer fetched after its stream closed; server killed: same session, stream opened again",
        );
    }
}

/// The whole way through one era.
async fn journey(is_modern: bool) {
    let settings = [("ENTRADA_LOG__FORMAT", "json")];
    let plan = Plan { settings: &settings, ..Plan::default() };
    let mut cluster = Cluster::start(Store::embedded(), plan).await;
    let (auth, pages) = sign_in(&format!("{}/conformance/mcp", cluster.url), ALICE).await;
    let peer = Peer::open(&cluster, auth.clone(), is_modern).await;
    let version = peer.service.peer_info().unwrap().protocol_version.to_string();
    assert_eq!(version, if is_modern { "2026-07-28" } else { "2025-11-25" });
    peer.tell("connect", &format!("{version}, registered, signed in over {} pages", pages.len()));
    peer.list().await;
    let mode = if is_modern { official::modern() } else { official::legacy() };
    let mail = Official::connect(&cluster.url, ALICE, mode).await;
    let (found, _) = mail.call("query_email", json!({ "start_date": "2000-01-01", "max_mails": 50 })).await;
    let mails = found.to_string().matches("\"subject\"").count();
    assert!(mails > 3, "{found}");
    mail.close().await;
    peer.tell("mail", &format!("{mails} mails of alice"));
    peer.calls().await;
    peer.progress().await;
    peer.cancel(&cluster).await;
    peer.subscribe().await;
    peer.elicit().await;
    peer.reconnect(&mut cluster).await;
    let before = auth.get_access_token().await.unwrap();
    auth.auth_manager.lock().await.refresh_token().await.unwrap();
    assert_ne!(auth.get_access_token().await.unwrap(), before);
    assert_eq!(peer.call("test_simple_text", json!({})).await.0, SIMPLE);
    peer.tell("refresh", "a refreshed access token goes on in the same connection");
    peer.service.cancel().await.unwrap();
    cluster.assert_wire();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_in_the_legacy_era() {
    Box::pin(journey(false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_in_the_modern_era() {
    Box::pin(journey(true)).await;
}
