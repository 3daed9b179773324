//! What holds for every argument that enters a request of Graph, and for every answer that comes back.

use super::batch::Part;
use super::client::GraphClient;
use super::encode::{Target, directory_term, kql_phrase, kql_term, odata, search, segment};
use super::error::{GraphError, refusal};
use super::page::Page;
use super::request::{Asker, Request};
use super::retry;
use crate::domain::clock::Timestamp;
use crate::domain::ids::UserKey;
use crate::domain::mailbox::Mailbox;
use crate::domain::secret::Secret;
use crate::domain::upstream::{Profile, UpstreamAccess};
use crate::ports::gate::{GateKey, Permit, RateGate, Throttled};
use crate::ports::graph::{Elsewhere, GraphRequest, GraphResponse, GraphTransport, TransportError};
use crate::ports::tokens::{AccessTokens, TokenError};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use parking_lot::Mutex;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

/// Lines of arguments: each comes out of the URL as it went in, and none of them makes the URL another one.
pub(crate) fn url(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let arguments: Vec<&str> = text.split('\n').take(8).collect();
    let (ids, values) = arguments.split_at(arguments.len() / 2);
    let path: String = ids.iter().flat_map(|id| ["/".to_owned(), segment(id)]).collect();
    let target = Target::new(format!("/me{path}/end"));
    let names = ["$filter", "$search", "$select", "$top"];
    let target =
        values.iter().zip(names).fold(target, |target, (value, name)| target.with(name, value)).build();
    let user = UserKey::new("t", "u");
    let mailbox = arguments.first().and_then(|text| Mailbox::parse(text));
    for mailbox in [None, mailbox.as_ref()] {
        let asker = Asker { user: &user, mailbox, deadline: Instant::now(), mark: None };
        let placed = asker.placed(&target);
        let Ok(url) = Url::parse(&format!("https://graph.example/v1.0{placed}")) else {
            unreachable!("{placed}")
        };
        assert!(url.host_str() == Some("graph.example") && url.fragment().is_none(), "{placed}");
        let owner = mailbox.map_or(vec!["me"], |mailbox| vec!["users", mailbox.as_str()]);
        let meant = ["v1.0"].into_iter().chain(owner).chain(ids.iter().copied()).chain(["end"]);
        let found: Vec<String> = url.path_segments().into_iter().flatten().map(decoded).collect();
        // A segment cannot say nothing, nor `.` or `..`.
        let said = |id: &str| if matches!(id, "" | "." | "..") { format!("_{id}") } else { id.to_owned() };
        assert!(meant.map(said).eq(found), "{placed}");
        let options: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let meant = names.iter().zip(values).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        assert!(meant.eq(options), "{placed}");
    }
    for value in values {
        literals(value);
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Text stays inside its literal, phrase or clause.
fn literals(text: &str) {
    let literal = odata(text);
    let inner = literal.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    assert_eq!(inner.map(|inner| inner.replace("''", "'")), Some(plain));
    assert!(inner.is_some_and(|inner| !inner.replace("''", "").contains('\'')));
    for term in [kql_term(text), kql_phrase(text), directory_term("displayName", text)].into_iter().flatten()
    {
        let bare = term.trim_end_matches('*');
        let inner = term.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        assert!(match inner {
            Some(inner) => !inner.contains(['"', '\\']) && inner.chars().any(char::is_alphanumeric),
            None => bare.chars().all(char::is_alphanumeric),
        });
        assert_eq!(serde_json::from_str::<String>(&search(&term)).ok(), Some(term));
    }
}

/// An answer: a line with status and kind of request, lines of headers, an empty line, the body.
pub(crate) fn answer(data: &[u8]) {
    let (head, body) =
        data.iter().position(|byte| *byte == 0).map_or((data, &b""[..]), |at| data.split_at(at));
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.trim().parse().ok()).unwrap_or(200);
    let Ok(status) = StatusCode::from_u16(status) else { return };
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value.trim())) {
            headers.append(name, value);
        }
    }
    let body = Bytes::copy_from_slice(body.get(1..).unwrap_or_default());
    let response = GraphResponse { status, headers, body };
    judge(&response);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else { return };
    runtime.block_on(sent(response));
}

fn judge(response: &GraphResponse) {
    if let Some(wait) = retry::ordered(&response.headers) {
        // Whatever Graph says, somebody may wait for it and a clock has to hold it.
        assert!(wait <= retry::LONGEST_ORDER && retry::jittered(wait, u32::MAX) >= wait);
        assert!(Instant::now().checked_add(retry::jittered(wait, u32::MAX)).is_some());
    }
    told(&refusal(response));
}

/// What is logged of an error is one line, and nothing that Graph wrote about somebody's data.
fn told(error: &GraphError) {
    let shown = error.to_string();
    assert!(shown.len() < 500 && !shown.chars().any(char::is_control), "{shown:?}");
    if let GraphError::Refused { message, code, .. } = error {
        assert!(message.chars().count() <= 300 && !message.chars().any(char::is_control));
        let is_told = message.len() > 12 && shown.contains(message.as_str());
        assert!(!is_told || code.contains(message.as_str()), "{shown}");
    }
    if let GraphError::Challenged { claims } = error {
        assert!(
            serde_json::from_str::<serde_json::Map<String, Value>>(claims).is_ok() && claims.len() <= 4096
        );
    }
}

/// The client with this answer to everything: it ends, and what it gives out is what a page says.
async fn sent(response: GraphResponse) {
    let user = UserKey::new("t", "u");
    let world = client(move |_| response.clone());
    // Too little time to wait for anything.
    let asker = || Asker {
        user: &user,
        mailbox: None,
        deadline: Instant::now() + Duration::from_millis(300),
        mark: None,
    };
    let requests = [
        Request::outlook(Target::new("/me/messages")),
        Request::write(Method::POST, Target::new("/me/sendMail"), Some(Bytes::from_static(b"{}"))),
        Request::content(Target::new("/me/drive/items/x/content"), 1 << 20),
    ];
    for request in requests {
        match world.client.send(asker(), request).await {
            Ok(answer) => {
                if let Ok(page) = answer.view::<Page<'_, Value>>() {
                    assert!(page.next_link().is_none_or(|link| !link.is_empty()));
                    assert!(page.delta_link().is_none_or(|link| !link.is_empty()));
                }
            }
            Err(error) => told(&error),
        }
    }
    let parts: Vec<Part> =
        (0..3).map(|at| Part::new(Method::PATCH, Target::new(format!("/me/messages/{at}")), None)).collect();
    match world.client.batch(asker(), &parts, true).await {
        Ok(outcomes) => assert_eq!(outcomes.len(), parts.len(), "one outcome for each part"),
        Err(error) => told(&error),
    }
    assert!(world.penalties.0.lock().iter().all(|pause| Instant::now().checked_add(*pause).is_some()));
}

/// A client whose every answer is scripted.
pub(crate) struct World {
    pub(crate) client: GraphClient,
    pub(crate) asked: Arc<Asked>,
    penalties: Arc<Open>,
}

/// What Graph was asked.
pub(crate) struct Asked {
    script: Box<dyn Fn(&GraphRequest) -> GraphResponse + Send + Sync>,
    pub(crate) seen: Mutex<Vec<GraphRequest>>,
}

#[derive(Default)]
struct Open(Mutex<Vec<Duration>>);

struct Token;

pub(crate) fn client(script: impl Fn(&GraphRequest) -> GraphResponse + Send + Sync + 'static) -> World {
    let asked = Arc::new(Asked { script: Box::new(script), seen: Mutex::default() });
    let penalties = Arc::new(Open::default());
    World { client: GraphClient::new(asked.clone(), Arc::new(Token), penalties.clone()), asked, penalties }
}

#[async_trait]
impl GraphTransport for Asked {
    async fn send(&self, request: GraphRequest) -> Result<GraphResponse, TransportError> {
        let answer = (self.script)(&request);
        self.seen.lock().push(request);
        Ok(answer)
    }

    async fn fetch(&self, request: Elsewhere<'_>) -> Result<GraphResponse, TransportError> {
        let Elsewhere { method, url, headers, body, max_bytes, timeout } = request;
        let token = Secret::new(String::new());
        Ok((self.script)(&GraphRequest {
            method,
            target: url.to_owned(),
            token,
            headers,
            body,
            max_bytes,
            timeout,
        }))
    }
}

#[async_trait]
impl RateGate for Open {
    async fn admit(&self, _key: &GateKey, _units: u32, _patience: Duration) -> Result<Permit, Throttled> {
        Ok(Permit::new(Box::new(())))
    }

    fn penalise(&self, _key: &GateKey, pause: Duration) {
        self.0.lock().push(pause);
    }
}

#[async_trait]
impl AccessTokens for Token {
    async fn get(&self, user: &UserKey) -> Result<Arc<UpstreamAccess>, TokenError> {
        Ok(Arc::new(UpstreamAccess {
            token: Secret::new("token".to_owned()),
            version: 1,
            expires_at: Timestamp::from_millis(i64::MAX),
            profile: Profile { username: format!("{}@contoso.example", user.oid), ..Profile::default() },
            settled: true,
        }))
    }

    async fn renew(&self, user: &UserKey, _seen: u64) -> Result<Arc<UpstreamAccess>, TokenError> {
        self.get(user).await
    }

    async fn challenged(&self, _: &UserKey, _: u64, _: &str) -> Result<(), TokenError> {
        Ok(())
    }

    fn forget(&self, _user: &UserKey) {}
}
