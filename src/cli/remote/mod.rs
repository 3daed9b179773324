//! What `entrada` does at a server from afar, as one of its users: `login` signs in, `chat` talks to a service's OpenAI
//! front, `tools` and `call` use its MCP front, `stdio` lends that to a local client, `logout` ends the sign-in. Results go
//! to stdout, everything else to stderr.

mod address;
mod call;
mod chat;
mod keep;
mod key;
mod login;
mod loopback;
mod oauth;
mod service;
mod stdio;
mod talk;
mod tools;
mod wire;

pub(super) use call::{CallArguments, run as call};
pub(super) use chat::{ChatArguments, run as chat};
pub(super) use login::{LoginArguments, LogoutArguments, login, logout};
use std::io::Write;
use std::path::PathBuf;
pub(super) use stdio::{StdioArguments, run as stdio};
pub(super) use tools::{ToolsArguments, run as tools};
use url::Url;

/// For the help of the commands.
const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 the server or its answer failed, 2 wrong use or no service at the URL, 3 the key is not accepted or lacks a \
permission, or the sign-in was refused, 4 too many requests, 5 nobody answers, 6 nothing was done: it has to be confirmed.";

/// Why nothing came of it. Never repeats a key or a token.
#[derive(Debug, thiserror::Error)]
pub(super) enum RemoteError {
    #[error("`{0}` is no http:// or https:// URL of a service, such as https://host/mail-query")]
    Url(String),
    #[error(
        "there is no key: run `entrada login {service}`, or give --key-file FILE, or set ENTRADA_KEY or ENTRADA_KEY_FILE; you \
         make one at {server}account/keys"
    )]
    NoKey { service: String, server: Url },
    #[error("`{0}` is no public URL: give scheme, host and port only, such as https://host")]
    PublicUrl(String),
    #[error("{0}")]
    Argument(String),
    /// The service did not understand the request.
    #[error("the service refuses this: {0}")]
    Asked(String),
    /// The answer, which was shown, says that it failed.
    #[error("{0} failed")]
    Tool(String),
    #[error(
        "nothing was done yet: to do it, call the tool again with the same arguments and confirm_token={token}"
    )]
    Unconfirmed { token: String },
    #[error("the key cannot be read from {path}: {problem}")]
    KeyFile { path: PathBuf, problem: String },
    /// Key or tokens would be readable on the way.
    #[error(
        "{0} would get your key over plain HTTP: use https://, or give --plain-http if nobody else is on the way"
    )]
    PlainHttp(Url),
    #[error("nobody answers at {url}: {problem}")]
    Unreachable { url: Url, problem: &'static str },
    #[error("the key is not accepted: {message}\nA new key is made at {page}account/keys")]
    Key { message: String, page: Url },
    #[error("the key does not allow this: {0}")]
    Permission(String),
    #[error(
        "there is no service at {url}: {message}\nGive the address of a service, such as https://host/mail-query"
    )]
    NoService { url: Url, message: String },
    #[error("too many requests: {message}{}", wait(*.seconds))]
    TooMany { message: String, seconds: Option<u64> },
    #[error("the server answered {status}: {message}{}", wait(*.seconds))]
    Server { status: u16, message: String, seconds: Option<u64> },
    #[error("the answer failed: {0}")]
    Broken(String),
    #[error("the server's own description cannot be used: {0}")]
    Metadata(String),
    #[error("nobody is signed in: {0}")]
    Declined(String),
    #[error("the sign-in has ended: {message}\nRun `entrada login {service}` again")]
    Ended { message: String, service: String },
    #[error("sign-ins cannot be kept in {path}: {problem}")]
    Keep { path: PathBuf, problem: String },
}

/// The wait that the server asked for.
fn wait(seconds: Option<u64>) -> String {
    seconds.map_or_else(String::new, |seconds| format!("\nTry again in {seconds} s"))
}

impl RemoteError {
    /// Exit code of the process; the help says what they mean.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Server { .. } | Self::Broken(_) | Self::Metadata(_) | Self::Keep { .. } | Self::Tool(_) => {
                1
            }
            Self::Url(_)
            | Self::PublicUrl(_)
            | Self::Argument(_)
            | Self::Asked(_)
            | Self::NoKey { .. }
            | Self::KeyFile { .. }
            | Self::PlainHttp(_)
            | Self::NoService { .. } => 2,
            Self::Key { .. } | Self::Permission(_) | Self::Declined(_) | Self::Ended { .. } => 3,
            Self::TooMany { .. } => 4,
            Self::Unreachable { .. } => 5,
            Self::Unconfirmed { .. } => 6,
        }
    }

    /// Whether the next message may fare better: then a person at a terminal goes on.
    fn passes(&self) -> bool {
        match self {
            Self::Permission(_)
            | Self::TooMany { .. }
            | Self::Server { .. }
            | Self::Broken(_)
            | Self::Unreachable { .. } => true,
            Self::Url(_)
            | Self::PublicUrl(_)
            | Self::Argument(_)
            | Self::Asked(_)
            | Self::Tool(_)
            | Self::Unconfirmed { .. }
            | Self::NoKey { .. }
            | Self::KeyFile { .. }
            | Self::PlainHttp(_)
            | Self::Key { .. }
            | Self::NoService { .. }
            | Self::Metadata(_)
            | Self::Declined(_)
            | Self::Ended { .. }
            | Self::Keep { .. } => false,
        }
    }

    /// Of a request that got no answer.
    fn unreachable(server: &Url, error: &reqwest::Error) -> Self {
        let problem = if error.is_timeout() { "no answer in time" } else { "no connection" };
        Self::Unreachable { url: server.clone(), problem }
    }
}

/// A line beside the answers.
fn whisper(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stderr().lock(), "{text}")
}

/// Mail and other people's words may hold what a terminal takes for commands: only text, line ends and tabs are shown.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}
