//! `entrada chat` as a person or a script runs it: before the real server, and before one that answers as told.

use super::support::cluster::Cluster;
use super::support::http::GUARD;
use super::support::keys::{MAIL, make};
use super::support::process::Process;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

const KEY: &str = "dcr_pk_a-key-of-the-tests-that-nobody-may-read";

/// A request that arrived.
#[derive(Clone, Debug)]
struct Asked {
    path: String,
    authorization: String,
    body: Value,
}

/// A server of OpenAI's API that answers `/models` rightly, and everything else as told.
struct Stub {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Stub {
    /// `answers` are taken one after the other, the last one again and again.
    fn start(answers: Vec<Vec<u8>>) -> Self {
        Self::serving(move |stream, turn| {
            let answer = answers.get(turn).or(answers.last()).unwrap();
            let _ = stream.write_all(answer);
        })
    }

    fn serving(mut serve: impl FnMut(&mut TcpStream, usize) + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/mail-query", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        std::thread::spawn(move || {
            let mut turn = 0;
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                stream.set_read_timeout(Some(GUARD)).unwrap();
                let Some(one) = read(&mut stream) else { continue };
                if one.path.ends_with("/models") {
                    let list = json!({"object": "list", "data": [{"id": "mail-query", "object": "model"}]});
                    let _ = stream.write_all(&answer(200, "application/json", &list.to_string()));
                    continue;
                }
                noted.lock().unwrap().push(one);
                serve(&mut stream, turn);
                turn += 1;
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// One request, to the end of its body.
fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let head = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = head.split_once("\r\n\r\n") {
            let header = |name: &str| {
                let lines = head.lines().filter_map(|line| line.split_once(": "));
                lines.filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_owned()).next()
            };
            let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return Some(Asked {
                    path: head.split(' ').nth(1).unwrap().to_owned(),
                    authorization: header("authorization").unwrap_or_default(),
                    body: serde_json::from_str(body).unwrap_or_default(),
                });
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}

/// A whole answer; the connection ends with it.
fn answer(status: u16, kind: &str, body: &str) -> Vec<u8> {
    refusal(status, kind, body, "")
}

fn refusal(status: u16, kind: &str, body: &str, headers: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn error(status: u16, message: &str, headers: &str) -> Vec<u8> {
    let body = json!({"error": {"message": message, "type": "x", "param": null, "code": null}}).to_string();
    refusal(status, "application/json", &body, headers)
}

const STREAM: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nConnection: close\r\n\r\n";

fn delta(delta: Value, finish: Option<&str>) -> String {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
    format!("data: {}\n\n", json!({"object": "chat.completion.chunk", "choices": [choice]}))
}

/// A stream of these events, with its end mark.
fn stream(events: &[String]) -> Vec<u8> {
    format!("{STREAM}: waiting\n\n{}data: [DONE]\n\n", events.concat()).into_bytes()
}

fn said(text: &str) -> Vec<u8> {
    stream(&[
        delta(json!({"role": "assistant", "content": ""}), None),
        delta(json!({"content": text}), None),
        delta(json!({}), Some("stop")),
    ])
}

/// Runs `entrada chat` to its end.
fn run(arguments: &[&str], environment: &[(&str, &str)], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entrada"));
    command.arg("chat").args(arguments).env_clear().envs(environment.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Whoever ends early reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    for text in [&output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(text);
        assert!(!text.contains(KEY) && !text.contains("panicked"), "{text}");
    }
    output
}

fn with_key(url: &str, message: &str) -> Output {
    run(&[url, "-m", message], &[("ENTRADA_KEY", KEY)], "")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_conversation_goes_on_and_shows_what_was_done_for_it() {
    let ran = |name: &str, failed: bool| {
        json!({"role": "tool", "tool_call_id": "call_1", "name": name, "arguments": "{\"days_back\":7}",
               "content": "Nothing\u{1b}[2J there.\nMore.", "structured_content": null, "is_error": failed})
    };
    let first = stream(&[
        delta(json!({"role": "assistant", "content": ""}), None),
        delta(json!({"tool_results": [ran("query_email", false)]}), None),
        delta(json!({"tool_results": [ran("get_email", true)]}), None),
        delta(json!({"content": "Two \u{1b}[31mmails"}), None),
        delta(json!({"content": " came.\n"}), None),
        delta(json!({}), Some("stop")),
    ]);
    let stub = Stub::start(vec![first, said("넷입니다")]);
    let output = run(&[&stub.url], &[("ENTRADA_KEY", KEY)], "What came in?\n\n  \nAnd last week?");
    assert!(output.status.success(), "{}", text(&output.stderr));
    // The answers and nothing else; no command reaches the terminal.
    assert_eq!(text(&output.stdout), "Two [31mmails came.\n넷입니다\n");
    let beside = text(&output.stderr);
    assert_eq!(
        beside.lines().collect::<Vec<_>>(),
        ["→ query_email {\"days_back\":7}", "→ get_email {\"days_back\":7} ✗ Nothing[2J there."]
    );
    let asked = stub.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].path, "/mail-query/v1/chat/completions");
    assert!(asked.iter().all(|one| one.authorization == format!("Bearer {KEY}")));
    let expected = json!({"model": "mail-query", "stream": true, "messages": [
        {"role": "user", "content": "What came in?"},
        {"role": "assistant", "content": "Two \u{1b}[31mmails came.\n"},
        {"role": "user", "content": "And last week?"},
    ]});
    assert_eq!(asked[1].body, expected);
}

#[test]
fn an_answer_is_shown_while_it_comes() {
    let (go_on, held): (Sender<()>, Receiver<()>) = channel();
    let stub = Stub::serving(move |connection, _| {
        connection
            .write_all(format!("{STREAM}{}", delta(json!({"content": "first\nsec"}), None)).as_bytes())
            .unwrap();
        connection.flush().unwrap();
        // The rest comes when the first line has been seen.
        held.recv_timeout(GUARD).unwrap();
        let rest = format!("{}data: [DONE]\n\n", delta(json!({"content": "ond"}), Some("stop")));
        connection.write_all(rest.as_bytes()).unwrap();
    });
    let key = vec![("ENTRADA_KEY".to_owned(), KEY.to_owned())];
    let mut process = Process::entrada(&["chat", &stub.url, "--message", "hello"], &key);
    assert!(process.wait_for_line("first"), "{}", process.stderr());
    go_on.send(()).unwrap();
    assert!(process.wait_for_line("second"), "{}", process.stderr());
    assert!(process.wait_exit().success());
}

#[test]
fn every_failure_has_its_words_and_its_exit_code() {
    let cut = format!("{STREAM}{}", delta(json!({"content": "Half of"}), None)).into_bytes();
    let failed =
        format!("{STREAM}data: {}\n\n", json!({"error": {"message": "The model is away."}})).into_bytes();
    let garbage = format!("{STREAM}data: <html>\n\ndata: [DONE]\n\n").into_bytes();
    for (told, code, words) in [
        (error(401, "The API key is not accepted: it is unknown.", ""), 3, "/account/keys"),
        (error(403, "this needs the scope Mail.Send: make a new key", ""), 3, "Mail.Send"),
        (error(404, "There is no such service.", ""), 2, "There is no such service."),
        (error(429, "Too many requests.", "Retry-After: 17\r\n"), 4, "Try again in 17 s"),
        (error(503, "The store is away.", "Retry-After: 5\r\n"), 1, "Try again in 5 s"),
        (error(400, "`messages` is missing.", ""), 1, "answered 400: `messages` is missing."),
        (answer(502, "text/html", "<h1>\u{1b}bad</h1>"), 1, "answered 502"),
        (refusal(302, "text/html", "", "Location: https://evil.example/\r\n"), 1, "answered 302"),
        (cut, 1, "broke off"),
        (failed, 1, "The model is away."),
        (garbage, 1, "no chat completion"),
        (answer(200, "text/html", "<h1>hello</h1>"), 1, "no chat completion"),
        (Vec::new(), 5, "nobody answers at"),
    ] {
        let stub = Stub::start(vec![told]);
        let output = with_key(&stub.url, "hello");
        let complaint = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words}: {complaint}");
        assert!(complaint.starts_with("entrada: ") && complaint.contains(words), "{words}: {complaint}");
        assert!(!complaint.contains('\u{1b}'));
    }
    // A script stops at the first message that fails.
    let stub = Stub::start(vec![error(429, "Too many requests.", "")]);
    assert_eq!(run(&[&stub.url], &[("ENTRADA_KEY", KEY)], "one\ntwo\n").status.code(), Some(4));
    assert_eq!(stub.asked().len(), 1);
    let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let output = with_key(&format!("http://{closed}/mail-query"), "hello");
    assert_eq!(output.status.code(), Some(5));
    assert!(text(&output.stderr).contains("nobody answers at"), "{}", text(&output.stderr));
}

#[test]
fn an_answer_that_is_no_stream_is_shown_as_well() {
    let message = json!({"role": "assistant", "content": "All of it."});
    let whole = json!({"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": "length"}]});
    let stub = Stub::start(vec![answer(200, "application/json", &whole.to_string())]);
    let output = with_key(&stub.url, "hello");
    assert_eq!(text(&output.stdout), "All of it.\n");
    assert!(text(&output.stderr).contains("cut"), "{}", text(&output.stderr));
}

#[test]
fn the_key_comes_from_a_file_or_the_environment_and_goes_to_this_machine_or_by_https() {
    let stub = Stub::start(vec![said("Hello.")]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, format!("{KEY}\n")).unwrap();
    let file = file.to_str().unwrap();
    for (arguments, environment) in [
        (vec![stub.url.as_str(), "-m", "hi", "--key-file", file], vec![]),
        (vec![stub.url.as_str(), "-m", "hi"], vec![("ENTRADA_KEY_FILE", file)]),
        (vec![stub.url.as_str(), "-m", "hi"], vec![("ENTRADA_KEY", KEY)]),
    ] {
        let output = run(&arguments, &environment, "");
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), "Hello.\n"));
    }
    let without = run(&[&stub.url, "-m", "hi"], &[], "");
    assert_eq!(without.status.code(), Some(2));
    let complaint = text(&without.stderr);
    for remedy in ["--key-file", "ENTRADA_KEY", "/account/keys"] {
        assert!(complaint.contains(remedy), "{complaint}");
    }
    let missing = run(&[&stub.url, "-m", "hi", "--key-file", "/nowhere/key"], &[], "");
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("/nowhere/key"));
    assert_eq!(stub.asked().len(), 3);
    for (url, words) in [
        ("http://192.0.2.1/mail-query", "--plain-http"),
        ("http://localhost.invalid/mail-query", "https://"),
        ("mail-query", "no http:// or https:// URL"),
        ("ftp://door.example/mail-query", "no http:// or https:// URL"),
    ] {
        let output = with_key(url, "hi");
        assert_eq!(output.status.code(), Some(2), "{url}");
        assert!(text(&output.stderr).contains(words), "{}", text(&output.stderr));
    }
    // Never as an argument, where everybody on the machine reads it.
    assert!(!text(&run(&["--help"], &[], "").stdout).contains("--key "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_personal_key_is_all_that_it_takes() {
    let cluster = Cluster::embedded().await;
    let service = format!("{}/mail-query", cluster.url);
    let key = make(&cluster.url, "alice@contoso.example", MAIL).await;
    let ask = |url: &str, message: &str| run(&[url, "-m", message], &[("ENTRADA_KEY", &key)], "");
    let output = ask(&service, "list_mail_folders {}");
    let (answer, beside) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && answer.contains("Inbox"), "{answer}{beside}");
    assert!(beside.contains("→ list_mail_folders {}"), "{beside}");
    // A conversation over one connection.
    let two = run(&[&service], &[("ENTRADA_KEY", &key)], "list_mail_folders {}\nlist_mail_folders {}\n");
    assert_eq!(text(&two.stdout), answer.repeat(2), "{}", text(&two.stderr));
    // What the key does not open.
    let elsewhere = ask(&format!("{}/calendar", cluster.url), "hi");
    assert_eq!(elsewhere.status.code(), Some(3));
    assert!(text(&elsewhere.stderr).contains("account/keys"), "{}", text(&elsewhere.stderr));
    assert_eq!(ask(&format!("{}/nothing", cluster.url), "hi").status.code(), Some(2));
    let unknown = run(&[&service, "-m", "hi"], &[("ENTRADA_KEY", KEY)], "");
    assert_eq!(unknown.status.code(), Some(3), "{}", text(&unknown.stderr));
}
