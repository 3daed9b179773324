//! Something that speaks like Redis and does what a real one does only by accident: answers as told, command by command,
//! and notes what it was asked.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What follows a command.
pub(super) enum Reply {
    /// This answer, in RESP.
    Line(String),
    /// The end of the connection, without an answer.
    Hangup,
}

/// What is done with a command: its words, and the port that this listens on.
type Script = dyn Fn(&[String], u16) -> Option<Reply> + Send + Sync;

/// A listening stand-in.
pub(super) struct StandIn {
    pub(super) port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl StandIn {
    /// Answers what `script` says, and otherwise as an empty Redis 7 that agrees with everything.
    pub(super) async fn start(
        script: impl Fn(&[String], u16) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked, script): (Arc<Mutex<Vec<String>>>, Arc<Script>) = (Arc::default(), Arc::new(script));
        let notes = asked.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, port, script.clone(), notes.clone()));
            }
        });
        Self { port, asked, task }
    }

    /// How often a command of this name came.
    pub(super) fn times(&self, name: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == name).count()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, port: u16, script: Arc<Script>, asked: Arc<Mutex<Vec<String>>>) {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    while let Some(words) = command(&mut read).await {
        asked.lock().unwrap().push(words[0].clone());
        let answer = match script(&words, port) {
            Some(Reply::Line(line)) => line,
            Some(Reply::Hangup) => return,
            None => usual(&words),
        };
        if write.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn usual(words: &[String]) -> String {
    match words[0].as_str() {
        "HELLO" => "%1\r\n$5\r\nproto\r\n:3\r\n".to_owned(),
        "INFO" => bulk("redis_version:7.0.15\r\nredis_mode:standalone\r\nrole:master"),
        "TIME" => "*2\r\n$10\r\n1800000000\r\n$1\r\n0\r\n".to_owned(),
        "GET" => "_\r\n".to_owned(),
        _ => "+OK\r\n".to_owned(),
    }
}

/// A bulk string.
pub(super) fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}

/// A cluster that is this one node.
pub(super) fn alone(port: u16) -> Reply {
    Reply::Line(format!("*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$9\r\n127.0.0.1\r\n:{port}\r\n$2\r\nid\r\n"))
}

async fn command(read: &mut (impl AsyncBufReadExt + AsyncReadExt + Unpin)) -> Option<Vec<String>> {
    let count = number(read, '*').await?;
    let mut words = Vec::new();
    for _ in 0..count {
        let length = number(read, '$').await?;
        let mut word = vec![0; length + 2];
        read.read_exact(&mut word).await.ok()?;
        word.truncate(length);
        words.push(String::from_utf8_lossy(&word).into_owned());
    }
    Some(words)
}

async fn number(read: &mut (impl AsyncBufReadExt + Unpin), mark: char) -> Option<usize> {
    let mut line = String::new();
    read.read_line(&mut line).await.ok()?;
    line.trim_end().strip_prefix(mark)?.parse().ok()
}
