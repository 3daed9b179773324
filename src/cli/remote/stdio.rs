//! `entrada stdio URL`: a local MCP client that speaks over stdin and stdout, at a server far away. Every line of stdin is
//! one message and goes to the server by POST; what comes back, and what the server says by itself, is a line of stdout.
//! Nothing else is written there.
//!
//! Both eras pass: a client that says `initialize` gets a session, which is opened anew when the server has lost it; the
//! requests of a client of 2026-07-28 stand for themselves. A stream that breaks is read on from where it broke.

use super::service::Where;
use super::wire::{Line, Wire};
use super::{EXIT_CODES, whisper};
use crate::cli::CommandError;
use crate::config::Sources;
use clap::Args;
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

/// Lines that wait for whoever reads stdout, or for the server.
const BACKLOG: usize = 64;

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(in crate::cli) struct StdioArguments {
    #[command(flatten)]
    place: Where,
}

pub(in crate::cli) async fn run(arguments: StdioArguments, sources: &Sources) -> Result<(), CommandError> {
    let service = arguments.place.open(sources)?;
    whisper(&format!("entrada: bridging to {}", service.address))?;
    let (out, printing) = printer();
    let wire = Arc::new(Wire::new(service, out));
    let mut lines = reader();
    let mut running = JoinSet::new();
    let mut cancellable: HashMap<String, AbortHandle> = HashMap::new();
    while let Some(line) = lines.recv().await {
        // What has ended needs no handle any more.
        while running.try_join_next().is_some() {}
        cancellable.retain(|_, handle| !handle.is_finished());
        let line = match Line::read(&line) {
            Ok(line) => line,
            Err(answer) => {
                wire.print(answer).await;
                continue;
            }
        };
        if let Some(id) = line.cancels()
            && !wire.has_session()
        {
            // Without a session a request ends with its stream.
            if let Some(handle) = cancellable.remove(&id) {
                handle.abort();
            }
            continue;
        }
        let id = line.id().map(Value::to_string);
        if line.goes_in_order() {
            wire.pass(line).await;
        } else {
            let wire = Arc::clone(&wire);
            let handle = running.spawn_local(async move { wire.pass(line).await });
            cancellable.extend(id.map(|id| (id, handle)));
        }
    }
    // The client has said all; what it still waits for is answered.
    while running.join_next().await.is_some() {}
    wire.close().await;
    drop(wire);
    printing.await.map_err(std::io::Error::other)??;
    Ok(())
}

/// The lines of stdin, without holding up the connection.
fn reader() -> mpsc::Receiver<Vec<u8>> {
    let (sender, lines) = mpsc::channel(BACKLOG);
    std::thread::spawn(move || {
        let stdin = std::io::stdin().lock();
        for line in stdin.split(b'\n').map_while(Result::ok) {
            if !line.trim_ascii().is_empty() && sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// The one place that writes to stdout.
fn printer() -> (mpsc::Sender<Value>, tokio::task::JoinHandle<std::io::Result<()>>) {
    let (sender, mut messages) = mpsc::channel::<Value>(BACKLOG);
    let printing = tokio::task::spawn_blocking(move || {
        while let Some(message) = messages.blocking_recv() {
            let mut out = std::io::stdout().lock();
            writeln!(out, "{message}")?;
            out.flush()?;
        }
        Ok(())
    });
    (sender, printing)
}
