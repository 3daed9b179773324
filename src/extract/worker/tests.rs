//! The pool against well-behaved and misbehaving children.

use std::time::Duration;

use bytes::Bytes;

use super::child::serve;
use super::wire::{Job, Reply};
use super::{Extractor, PoolLimits};
use crate::extract::samples::docx;
use crate::extract::types::{ExtractError, ExtractOptions, Kind, Limits};

fn pool(script: &str, limits: PoolLimits) -> Extractor {
    Extractor::of("/bin/sh".into(), &["-c", script], limits)
}

/// A pool whose child is this very test binary, running one of the ignored "tests" below as its whole life.
fn own_child(role: &str) -> Extractor {
    let role = format!("extract::worker::tests::{role}");
    let arguments = ["--exact", &role, "--ignored", "--nocapture", "--test-threads=1"];
    Extractor::of(std::env::current_exe().unwrap(), &arguments, PoolLimits::default())
}

#[test]
#[ignore = "the life of a child process, started by the tests below"]
fn as_child() {
    std::process::exit(super::child_main());
}

#[test]
#[ignore = "the life of a child process, started by the tests below"]
fn as_glutton() {
    super::child::restrict().unwrap();
    let mut held = Vec::new();
    for _ in 0..1_024 {
        held.push(vec![1_u8; 1 << 20]);
    }
    println!("\n{{\"Err\":\"Encrypted\"}} {}", held.len());
    std::process::exit(0);
}

#[test]
#[ignore = "the life of a child process, started by the tests below"]
fn as_bottomless() {
    fn deeper(n: u64) -> u64 {
        if n == u64::MAX { 0 } else { std::hint::black_box(deeper(n + 1)) + 1 }
    }
    println!("{}", deeper(0));
}

#[tokio::test]
async fn a_real_child_reads_a_document() {
    let file = Bytes::from(docx("<w:p><w:r><w:t>회의록</w:t></w:r></w:p>"));
    let found = own_child("as_child").text("a.docx", "", file, ExtractOptions::default()).await.unwrap();
    assert_eq!((found.kind, found.text.as_str()), (Kind::Docx, "회의록"));
    let bomb = Bytes::from(docx(&" ".repeat(32 << 20)));
    let refused = own_child("as_child").text("a.docx", "", bomb, ExtractOptions::default()).await;
    assert!(matches!(refused, Err(ExtractError::Bomb { .. })), "{refused:?}");
}

#[tokio::test]
async fn memory_and_stack_run_out_in_the_child_only() {
    assert_eq!(ask(&own_child("as_glutton")).await, Err(ExtractError::WorkerFailed));
    assert_eq!(ask(&own_child("as_bottomless")).await, Err(ExtractError::WorkerFailed));
}

fn short() -> PoolLimits {
    PoolLimits { workers: 1, queue: 1, wall: Duration::from_millis(300), document: Limits::default() }
}

async fn ask(pool: &Extractor) -> Reply {
    pool.text("a.docx", "", Bytes::from(docx("<w:p/>")), ExtractOptions::default()).await
}

#[test]
fn the_child_answers_a_job_on_its_last_line() {
    let job = Job {
        name: "a.docx".to_owned(),
        content_type: String::new(),
        options: ExtractOptions::default(),
        limits: Limits::default(),
    };
    let mut input = serde_json::to_vec(&job).unwrap();
    input.push(b'\n');
    input.extend(docx("<w:p><w:r><w:t>안녕\nhello</w:t></w:r></w:p>"));
    let mut output = Vec::new();
    serve(input.as_slice(), &mut output).unwrap();
    let last = output.trim_ascii().rsplit(|b| *b == b'\n').next().unwrap();
    let reply: Reply = serde_json::from_slice(last).unwrap();
    assert_eq!(reply.unwrap().text, "안녕\nhello");
    assert!(serve(b"nonsense\n".as_slice(), Vec::new()).is_err());
}

#[tokio::test]
async fn a_childs_answer_comes_back_even_after_chatter() {
    let answer =
        r#"{"Ok":{"kind":"docx","text":"hi","pages":null,"sheets":[],"truncated":false,"notes":[]}}"#;
    let pool = pool(&format!("cat >/dev/null; echo noise; echo '{answer}'"), PoolLimits::default());
    let found = ask(&pool).await.unwrap();
    assert_eq!((found.kind, found.text.as_str()), (Kind::Docx, "hi"));
    let refused = self::pool("echo '{\"Err\":\"Encrypted\"}'", PoolLimits::default());
    assert_eq!(ask(&refused).await, Err(ExtractError::Encrypted));
}

#[tokio::test]
async fn misbehaving_children_are_one_error_each() {
    for script in ["echo garbage", "exit 3", "kill -ABRT $$", "cat >/dev/null", "yes", "kill -SEGV $$"] {
        assert_eq!(
            ask(&pool(script, PoolLimits::default())).await,
            Err(ExtractError::WorkerFailed),
            "{script}"
        );
    }
    assert_eq!(ask(&pool("kill -XCPU $$", PoolLimits::default())).await, Err(ExtractError::TimedOut));
    let missing = Extractor::new("/nonexistent".into(), PoolLimits::default());
    assert_eq!(ask(&missing).await, Err(ExtractError::WorkerFailed));
}

#[tokio::test]
async fn a_child_that_hangs_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let pid_file = dir.path().join("pid");
    let hang = pool(&format!("echo $$ > {}; exec sleep 600", pid_file.display()), short());
    assert_eq!(ask(&hang).await, Err(ExtractError::TimedOut));
    let pid = std::fs::read_to_string(&pid_file).unwrap();
    // Reaped: not even a zombie is left.
    assert!(!std::path::Path::new(&format!("/proc/{}", pid.trim())).exists());
}

#[tokio::test]
async fn a_dropped_call_ends_its_child_and_frees_its_slot() {
    let dir = tempfile::tempdir().unwrap();
    let pid_file = dir.path().join("pid");
    let limits = PoolLimits { wall: Duration::from_secs(30), ..short() };
    let hang = pool(&format!("echo $$ > {}; exec sleep 600", pid_file.display()), limits);
    let started = async {
        loop {
            match std::fs::read_to_string(&pid_file) {
                Ok(pid) if pid.ends_with('\n') => break pid,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    let pid = tokio::select! {
        _ = ask(&hang) => unreachable!("the child never answers"),
        pid = started => pid,
    };
    let state = format!("/proc/{}/stat", pid.trim());
    while std::fs::read_to_string(&state).is_ok_and(|stat| !stat.contains(") Z")) {
        tokio::task::yield_now().await;
    }
    assert!(hang.has_free_slot());
}

#[tokio::test]
async fn a_full_queue_is_busy() {
    let pool = pool("exec sleep 600", short());
    let (one, two, three) = tokio::join!(ask(&pool), ask(&pool), ask(&pool));
    assert_eq!(one, Err(ExtractError::TimedOut));
    assert!(matches!(two, Err(ExtractError::TimedOut | ExtractError::Busy)));
    assert_eq!(three, Err(ExtractError::Busy));
}

#[tokio::test]
async fn small_texts_and_named_formats_need_no_child() {
    let pool = Extractor::new("/nonexistent".into(), PoolLimits::default());
    let text = pool.text("a.txt", "text/plain", Bytes::from_static(b"hi"), ExtractOptions::default()).await;
    assert_eq!(text.unwrap().text, "hi");
    let image = pool.text("a.txt", "", Bytes::from_static(b"GIF89a"), ExtractOptions::default()).await;
    assert!(matches!(image, Err(ExtractError::Unsupported { .. })));
}
