//! The two references, as processes of their own.

use crate::support::process::Process;
use actix_web::web::{Bytes, Data, Path as UrlPath};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use redis::AsyncCommands;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::Sha256;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;
use std::process::Command;
use std::sync::Arc;

/// The product's workers in the bench, so that nobody has more threads.
const WORKERS: usize = 2;
const PEPPER: &[u8] = b"pepper of the reference, 32 bytes";
const KEY: [u8; 32] = [7; 32];
const CONTEXT: &[u8] = b"upstream|tenant|user|1";

/// Starts this very program as a reference.
pub(crate) fn child(arguments: &[&str]) -> Process {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(arguments);
    Process::start(arguments[0], command)
}

fn announce(server: &HttpServerAddress) {
    println!("reference listening on http://{}", server.0);
}

struct HttpServerAddress(std::net::SocketAddr);

/// Answers the bytes of the file that the path names.
#[actix_web::main]
pub(crate) async fn echo(folder: &str) {
    let mut files: HashMap<String, Bytes> = HashMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let bytes = Bytes::from(std::fs::read(entry.path()).unwrap());
        files.insert(entry.file_name().to_str().unwrap().to_owned(), bytes);
    }
    let files = Arc::new(files);
    let server = HttpServer::new(move || {
        App::new().app_data(Data::from(Arc::clone(&files))).route("/{name}", web::post().to(echo_handler))
    })
    .workers(WORKERS)
    .bind(("127.0.0.1", 0))
    .unwrap();
    announce(&HttpServerAddress(server.addrs()[0]));
    server.run().await.unwrap();
}

async fn echo_handler(
    name: UrlPath<String>,
    _body: Bytes,
    files: Data<HashMap<String, Bytes>>,
) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(files[name.as_str()].clone())
}

/// What the reference keeps for a bearer, sealed.
#[derive(Serialize, Deserialize)]
struct Record {
    user: String,
    scopes: String,
    expires_at: i64,
    graph_token: String,
}

fn hash(bearer: &str) -> String {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(PEPPER).unwrap();
    mac.update(bearer.as_bytes());
    format!("reference:{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// Puts a sealed record for a bearer into Redis and answers the bearer.
pub(crate) async fn seed(store: &str, graph_token: &str) -> String {
    let bearer = "reference_0123456789012345678901234567890123456789".to_owned();
    let record = Record {
        user: "alice".to_owned(),
        scopes: "Mail.Read User.Read".to_owned(),
        expires_at: i64::MAX,
        graph_token: graph_token.to_owned(),
    };
    let plain = serde_json::to_vec(&record).unwrap();
    let nonce = [9; 24];
    let sealed = XChaCha20Poly1305::new(&KEY.into())
        .encrypt(XNonce::from_slice(&nonce), Payload { msg: &plain, aad: CONTEXT })
        .unwrap();
    let value = [nonce.as_slice(), &sealed].concat();
    let client = redis::Client::open(store).unwrap();
    let mut connection = redis::aio::ConnectionManager::new(client).await.unwrap();
    let () = connection.set(hash(&bearer), value).await.unwrap();
    bearer
}

/// One worker's long-lived things.
struct Hand {
    redis: redis::aio::ConnectionManager,
    http: reqwest::Client,
    url: String,
    cipher: XChaCha20Poly1305,
    list: Bytes,
}

/// The ten newest messages, as Graph is asked for them by everybody but the product.
pub(crate) fn ten_messages(graph: &str) -> String {
    let select = "id,subject,from,toRecipients,receivedDateTime,isRead,hasAttachments,importance,conversationId,\
                  bodyPreview,parentFolderId,webLink";
    format!(
        "{graph}/me/messages?$filter=receivedDateTime%20ge%202015-01-01T00:00:00Z&\
         $orderby=receivedDateTime%20desc&$top=10&$select={select}"
    )
}

/// Does by hand what one `query_email` needs, and what a list needs.
#[actix_web::main]
pub(crate) async fn by_hand(store: &str, graph: &str, folder: &str) {
    crate::support::http::install_tls();
    let url = ten_messages(graph);
    let list = Bytes::from(std::fs::read(std::path::Path::new(folder).join("tools-list")).unwrap());
    let client = redis::Client::open(store).unwrap();
    let server = HttpServer::new(move || {
        let (client, url, list) = (client.clone(), url.clone(), list.clone());
        App::new()
            .data_factory(move || {
                let (client, url, list) = (client.clone(), url.clone(), list.clone());
                async move {
                    Ok::<_, redis::RedisError>(Hand {
                        redis: redis::aio::ConnectionManager::new(client).await?,
                        http: crate::support::http::client(),
                        url,
                        cipher: XChaCha20Poly1305::new(&KEY.into()),
                        list,
                    })
                }
            })
            .route("/mcp", web::post().to(hand_handler))
            .route("/list", web::post().to(list_handler))
    })
    .workers(WORKERS)
    .bind(("127.0.0.1", 0))
    .unwrap();
    announce(&HttpServerAddress(server.addrs()[0]));
    server.run().await.unwrap();
}

/// The parts of a call that the handler looks at.
#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    params: CallParams<'a>,
}

#[derive(Deserialize)]
struct CallParams<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    arguments: &'a RawValue,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    value: Vec<Mail<'a>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"))]
struct Mail<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    #[serde(borrow)]
    from: &'a RawValue,
    #[serde(borrow)]
    to_recipients: &'a RawValue,
    #[serde(borrow)]
    received_date_time: Cow<'a, str>,
    is_read: bool,
    has_attachments: bool,
    #[serde(borrow)]
    importance: Cow<'a, str>,
    #[serde(borrow)]
    conversation_id: Cow<'a, str>,
    #[serde(borrow)]
    body_preview: Cow<'a, str>,
    #[serde(borrow)]
    web_link: Cow<'a, str>,
}

#[derive(Serialize)]
struct Answer<'a> {
    jsonrpc: &'static str,
    id: &'a RawValue,
    result: ToolResult<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolResult<'a> {
    result_type: &'static str,
    content: [Text<'a>; 1],
    structured_content: Structured<'a>,
}

#[derive(Serialize)]
struct Text<'a> {
    r#type: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
struct Structured<'a> {
    messages: &'a [Mail<'a>],
}

/// Header → hash → Redis → open.
async fn admit(request: &HttpRequest, hand: &Hand) -> Record {
    let header = request.headers().get("authorization").unwrap().to_str().unwrap();
    let key = hash(header.strip_prefix("Bearer ").unwrap());
    let mut redis = hand.redis.clone();
    let value: Vec<u8> = redis.get(key).await.unwrap();
    let (nonce, sealed) = value.split_at(24);
    let payload = Payload { msg: sealed, aad: CONTEXT };
    let record: Record =
        serde_json::from_slice(&hand.cipher.decrypt(XNonce::from_slice(nonce), payload).unwrap()).unwrap();
    assert!(record.scopes.contains("Mail.Read") && record.expires_at > 0 && !record.user.is_empty());
    record
}

/// The envelope of any request.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
}

async fn list_handler(request: HttpRequest, body: Bytes, hand: Data<Hand>) -> HttpResponse {
    admit(&request, &hand).await;
    let asked: Envelope<'_> = serde_json::from_slice(&body).unwrap();
    assert!(!asked.method.is_empty());
    HttpResponse::Ok().content_type("application/json").body(hand.list.clone())
}

async fn hand_handler(request: HttpRequest, body: Bytes, hand: Data<Hand>) -> HttpResponse {
    let record = admit(&request, &hand).await;
    let call: Call<'_> = serde_json::from_slice(&body).unwrap();
    assert!(call.params.name == "query_email" && call.params.arguments.get().starts_with('{'));
    let upstream = hand.http.get(&hand.url).bearer_auth(&record.graph_token).send().await.unwrap();
    assert_eq!(upstream.status(), 200);
    let page = upstream.bytes().await.unwrap();
    let page: Page<'_> = serde_json::from_slice(&page).unwrap();
    let mut text = String::with_capacity(4096);
    for mail in &page.value {
        write!(text, "- {} **{}**\n  {}\n", mail.received_date_time, mail.subject, mail.body_preview)
            .unwrap();
    }
    let result = ToolResult {
        result_type: "complete",
        content: [Text { r#type: "text", text: &text }],
        structured_content: Structured { messages: &page.value },
    };
    let answer = serde_json::to_vec(&Answer { jsonrpc: "2.0", id: call.id, result }).unwrap();
    HttpResponse::Ok().content_type("application/json").body(answer)
}
