//! The child's side: limits on itself first, then one job.

use std::io::{BufRead, BufReader, Read, Write};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::wire::{Job, Reply};
use crate::extract::document;
use crate::extract::types::ExtractError;

/// Address space and data of the child.
const MEMORY: u64 = 512 << 20;
/// Processor seconds of the child; the parent's clock usually ends it before.
const PROCESSOR_SECONDS: u64 = 20;
/// Parsers recurse: a deep stack turns most hostile nesting into an error of theirs.
const STACK: usize = 64 << 20;
/// A header longer than this is not ours.
const MAX_HEADER: u64 = 64 << 10;

/// The whole life of `entrada extract`: one job from standard input, the answer on standard output.
/// Returns the process exit code.
pub(crate) fn child_main() -> i32 {
    // Panics of parsers are expected and answered; their messages may quote contents.
    std::panic::set_hook(Box::new(|_| {}));
    if restrict().is_err() {
        return 3;
    }
    let work = std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(|| serve(std::io::stdin().lock(), std::io::stdout().lock()));
    match work.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(()))) => 0,
        Ok(Ok(Err(_))) => 4,
        Ok(Err(_)) | Err(_) => 5,
    }
}

/// Limits this process for good.
pub(super) fn restrict() -> rustix::io::Result<()> {
    let at_most = |value| Rlimit { current: Some(value), maximum: Some(value) };
    setrlimit(Resource::Core, at_most(0))?;
    setrlimit(Resource::Cpu, at_most(PROCESSOR_SECONDS))?;
    setrlimit(Resource::As, at_most(MEMORY))?;
    // Allocators reserve address space ahead of use: this one counts what is used.
    setrlimit(Resource::Data, at_most(MEMORY))?;
    // Nothing here writes files or opens more than its three streams.
    setrlimit(Resource::Fsize, at_most(0))
}

/// Reads one job and answers it.
pub(super) fn serve(input: impl Read, mut output: impl Write) -> std::io::Result<()> {
    let mut input = BufReader::new(input);
    let mut header = Vec::new();
    input.by_ref().take(MAX_HEADER).read_until(b'\n', &mut header)?;
    let job: Job = serde_json::from_slice(&header)?;
    let mut bytes = Vec::new();
    input.take(job.limits.input as u64 + 1).read_to_end(&mut bytes)?;
    let reply: Reply = std::panic::catch_unwind(|| {
        document::extract(&job.name, &job.content_type, &bytes, &job.options, &job.limits)
    })
    .unwrap_or(Err(ExtractError::WorkerFailed));
    output.write_all(b"\n")?;
    serde_json::to_writer(&mut output, &reply)?;
    output.write_all(b"\n")?;
    output.flush()
}
