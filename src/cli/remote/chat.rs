//! `entrada chat URL`: one message, or a conversation line by line.

use super::address::Address;
use super::talk::Talk;
use super::{EXIT_CODES, RemoteError, key, whisper};
use crate::cli::CommandError;
use crate::config::Sources;
use clap::Args;
use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(in crate::cli) struct ChatArguments {
    /// Address of a service, such as https://host/mail-query; that of its /mcp or /v1 will do as well.
    url: String,
    /// Asks this and ends. Without it, every line of stdin is a message of one conversation.
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// What the server calls itself, where it is reached at another address, e.g. through `kubectl port-forward`.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// File with the key: a personal key of the service, or a bearer. Without it ENTRADA_KEY or ENTRADA_KEY_FILE counts,
    /// then the sign-in of `entrada login`.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Sends the key to another machine by http:// as well; without it only to this one.
    #[arg(long)]
    plain_http: bool,
}

pub(in crate::cli) async fn run(arguments: ChatArguments, sources: &Sources) -> Result<(), CommandError> {
    let address = Address::parse(&arguments.url)?.known_as(arguments.public_url.as_deref())?;
    let http = address.client(arguments.plain_http)?;
    let key = key::find(arguments.key_file, &sources.environment, &address, arguments.plain_http)?;
    let mut talk = Talk::open(address, http, key).await?;
    if let Some(message) = arguments.message {
        return talk.ask(&message).await;
    }
    let at_terminal = std::io::stdin().is_terminal();
    if at_terminal {
        whisper(&format!("{}: write a message; Ctrl-D ends.", talk.model()))?;
    }
    while let Some(line) = next_line(at_terminal).await? {
        if line.trim().is_empty() {
            continue;
        }
        match talk.ask(line.trim()).await {
            Err(CommandError::Remote(error)) if at_terminal && error.passes() => {
                whisper(&format!("entrada: {error}"))?;
            }
            ended => ended?,
        }
    }
    Ok(())
}

/// The next line of stdin, which is waited for without holding up the connection.
async fn next_line(at_terminal: bool) -> Result<Option<String>, CommandError> {
    if at_terminal {
        let mut err = std::io::stderr().lock();
        write!(err, "> ")?;
        err.flush()?;
    }
    let read = || {
        let mut line = String::new();
        let count = std::io::stdin().lock().read_line(&mut line)?;
        Ok::<_, std::io::Error>((count > 0).then_some(line))
    };
    let line = tokio::task::spawn_blocking(read).await.map_err(std::io::Error::other)??;
    Ok(line)
}

/// What a service answers that is none of ours, or has no front for OpenAI's clients.
pub(super) fn no_front(address: &Address) -> RemoteError {
    let message = "it does not answer as OpenAI's API does".to_owned();
    RemoteError::NoService { url: address.front(""), message }
}
