//! The server's side: a bounded pool of children, each with a wall clock and a bounded answer.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::wire::{Job, Reply};
use crate::extract::detect::{Look, look};
use crate::extract::plain;
use crate::extract::types::{ExtractError, ExtractOptions, ExtractedText, Limits};

/// Texts up to this size are read in this process.
const IN_PROCESS: usize = 1 << 20;
/// The kernel's signal for a spent processor limit (POSIX `SIGXCPU` on Linux).
const SIGXCPU: i32 = 24;

/// Bounds of the pool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PoolLimits {
    /// Children at a time.
    pub(crate) workers: usize,
    /// Calls waiting for one, beyond which the answer is `Busy`.
    pub(crate) queue: usize,
    /// Wall clock of one job.
    pub(crate) wall: Duration,
    /// Bounds of the document.
    pub(crate) document: Limits,
}

impl Default for PoolLimits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { workers: cores.min(4), queue: 16, wall: Duration::from_secs(20), document: Limits::default() }
    }
}

/// Reads text out of documents, in children of `program`.
#[derive(Debug)]
pub(crate) struct Extractor {
    program: PathBuf,
    arguments: Vec<String>,
    limits: PoolLimits,
    slots: Semaphore,
    waiting: AtomicUsize,
}

/// Counts a waiting call for as long as it waits, even when it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Extractor {
    /// A pool of `program extract` children.
    pub(crate) fn new(program: PathBuf, limits: PoolLimits) -> Self {
        Self {
            program,
            arguments: vec!["extract".to_owned()],
            slots: Semaphore::new(limits.workers.max(1)),
            waiting: AtomicUsize::new(0),
            limits,
        }
    }

    /// A pool whose children are another program.
    #[cfg(test)]
    pub(super) fn of(program: PathBuf, arguments: &[&str], limits: PoolLimits) -> Self {
        let mut pool = Self::new(program, limits);
        pool.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        pool
    }

    /// Whether a call would start at once.
    #[cfg(test)]
    pub(super) fn has_free_slot(&self) -> bool {
        self.slots.available_permits() > 0
    }

    /// Text of a file. Dropping the future ends the child.
    pub(crate) async fn text(
        &self,
        name: &str,
        content_type: &str,
        bytes: Bytes,
        options: ExtractOptions,
    ) -> Result<ExtractedText, ExtractError> {
        let limit = self.limits.document.input;
        if bytes.len() > limit {
            return Err(ExtractError::TooLarge { limit });
        }
        match look(name, content_type, &bytes) {
            Look::Other(error) => return Err(error),
            Look::Plain(kind) if bytes.len() <= IN_PROCESS => {
                let mut options = options;
                options.max_chars = options.max_chars.min(self.limits.document.chars);
                let read = tokio::task::spawn_blocking(move || plain::extract(kind, &bytes, &options));
                return read.await.unwrap_or(Err(ExtractError::WorkerFailed));
            }
            Look::Plain(_) | Look::Pdf | Look::Zip | Look::Compound | Look::Rtf | Look::Mail => {}
        }
        let job = Job {
            name: name.chars().take(500).collect(),
            content_type: content_type.chars().take(200).collect(),
            options,
            limits: self.limits.document,
        };
        let _slot = self.slot().await?;
        self.run(job, bytes).await
    }

    async fn slot(&self) -> Result<SemaphorePermit<'_>, ExtractError> {
        if let Ok(slot) = self.slots.try_acquire() {
            return Ok(slot);
        }
        let ahead = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if ahead >= self.limits.queue {
            return Err(ExtractError::Busy);
        }
        match tokio::time::timeout(self.limits.wall, self.slots.acquire()).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => Err(ExtractError::Busy),
        }
    }

    async fn run(&self, job: Job, bytes: Bytes) -> Result<ExtractedText, ExtractError> {
        let mut header = serde_json::to_vec(&job).map_err(|_| ExtractError::WorkerFailed)?;
        header.push(b'\n');
        // Six bytes is the longest escape of a character in JSON; the rest is notes and sheet names.
        let most = job.options.max_chars.min(job.limits.chars).saturating_mul(8).saturating_add(1 << 20);
        let mut child = self.spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(ExtractError::WorkerFailed);
        };
        let talk = async {
            let fed = async {
                feed(input, header, bytes).await;
                Ok(())
            };
            let ((), answer) = tokio::try_join!(fed, hear(output, most))?;
            let status = child.wait().await.map_err(|_| ExtractError::WorkerFailed)?;
            Ok((answer, status))
        };
        let outcome = tokio::time::timeout(self.limits.wall, talk).await;
        let (answer, status) = match outcome {
            Ok(Ok(answered)) => answered,
            Ok(Err(error)) => return Err(end(child, error).await),
            Err(_) => return Err(end(child, ExtractError::TimedOut).await),
        };
        if std::os::unix::process::ExitStatusExt::signal(&status) == Some(SIGXCPU) {
            return Err(ExtractError::TimedOut);
        }
        if !status.success() {
            return Err(ExtractError::WorkerFailed);
        }
        understand(&answer)
    }

    fn spawn(&self) -> Result<Child, ExtractError> {
        Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            // The address space limit leaves no room to reserve arenas ahead of use.
            .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
            .env("MIMALLOC_ARENA_RESERVE", "0")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|_| ExtractError::WorkerFailed)
    }
}

/// Kills and reaps, so that no child outlives its job.
async fn end(mut child: Child, error: ExtractError) -> ExtractError {
    // Fails only when the child is gone already.
    let _gone = child.kill().await;
    error
}

/// A child that refuses early closes its input: that is its answer's business, not an error here.
async fn feed(mut input: ChildStdin, header: Vec<u8>, bytes: Bytes) {
    if input.write_all(&header).await.is_ok() && input.write_all(&bytes).await.is_ok() {
        let _closed = input.shutdown().await;
    }
}

async fn hear(output: ChildStdout, most: usize) -> Result<Vec<u8>, ExtractError> {
    let mut answer = Vec::new();
    let mut bounded = output.take(most as u64 + 1);
    bounded.read_to_end(&mut answer).await.map_err(|_| ExtractError::WorkerFailed)?;
    if answer.len() > most { Err(ExtractError::WorkerFailed) } else { Ok(answer) }
}

fn understand(answer: &[u8]) -> Result<ExtractedText, ExtractError> {
    let last = answer.trim_ascii().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    serde_json::from_slice::<Reply>(last).unwrap_or(Err(ExtractError::WorkerFailed))
}
