//! The command line. Each command is one file; results go to stdout, logs and errors to stderr.

mod admin;
mod check;
#[cfg(feature = "sim")]
mod demo;
mod keys;
mod remote;
mod serve;
#[cfg(feature = "sim")]
mod tenant;

use crate::config::{ConfigError, Environment, Sources};
use crate::telemetry::TelemetryError;
use clap::{Parser, Subcommand};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// One door to Microsoft 365 for AI clients.
#[derive(Debug, Parser)]
#[command(name = "entrada", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Settings file; see config/default.toml for every key.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Server, simulated tenant and embedded store on loopback; no settings needed.
    #[cfg(feature = "sim")]
    Demo(demo::DemoArguments),
    /// The server, with settings from file and environment.
    Serve(serve::ServeArguments),
    /// The simulated Microsoft tenant alone.
    #[cfg(feature = "sim")]
    Tenant(tenant::TenantArguments),
    /// Validates the settings and reaches the store, Entra and Graph.
    Check,
    /// Signs in at a service of a server, with the browser, for `tools`, `call`, `chat` and `stdio`.
    Login(remote::LoginArguments),
    /// Ends such a sign-in.
    Logout(remote::LogoutArguments),
    /// Talks to a service from the terminal, with a personal key or after `login`.
    Chat(remote::ChatArguments),
    /// Lists the tools of a service with their arguments.
    Tools(remote::ToolsArguments),
    /// Calls one tool of a service.
    Call(remote::CallArguments),
    /// Lends a service to a local MCP client that speaks over stdin and stdout.
    Stdio(remote::StdioArguments),
    /// What operators see and end: clients, grants, users, sessions, sign-ins; switches of services and tools.
    Admin(admin::AdminArguments),
    /// Makes and rotates encryption keys.
    Keys(keys::KeysArguments),
    /// Reads one document from stdin and writes its text to stdout, within hard limits.
    #[command(hide = true)]
    Extract,
}

/// Why a command ended without doing its work.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    #[error(transparent)]
    Start(#[from] crate::app::StartError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0} of the checks failed")]
    ChecksFailed(usize),
    #[error(transparent)]
    Admin(#[from] admin::AdminError),
    #[error(transparent)]
    Remote(#[from] remote::RemoteError),
    #[error("cannot build the HTTP client: {0}")]
    Client(String),
    #[error("a part of the server cannot be kept alive")]
    GaveUp,
}

/// Runs the command of this process.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    if matches!(arguments.command, Command::Extract) {
        return u8::try_from(crate::extract::child_main()).map_or(ExitCode::FAILURE, ExitCode::from);
    }
    match execute(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "entrada: {error}");
            if let CommandError::Remote(error) = error {
                ExitCode::from(error.code())
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn execute(arguments: Arguments) -> Result<(), CommandError> {
    let environment: Environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let sources = Sources { profile: arguments.config, environment, overrides: Vec::new() };
    match arguments.command {
        Command::Login(command) => block_on(remote::login(command, &sources)),
        Command::Logout(command) => block_on(remote::logout(command, &sources)),
        Command::Chat(command) => block_on(remote::chat(command, &sources)),
        Command::Admin(command) => block_on(admin::run(command, &sources)),
        Command::Keys(command) => keys::run(&command, &sources),
        Command::Tools(command) => block_on(remote::tools(command, &sources)),
        Command::Call(command) => block_on(remote::call(command, &sources)),
        Command::Stdio(command) => block_on(remote::stdio(command, &sources)),
        Command::Serve(command) => block_on(serve::run(command, sources)),
        Command::Check => block_on(check::run(sources)),
        #[cfg(feature = "sim")]
        Command::Demo(command) => block_on(demo::run(command, sources)),
        #[cfg(feature = "sim")]
        Command::Tenant(command) => block_on(tenant::run(command)),
        Command::Extract => Ok(()),
    }
}

fn block_on(work: impl Future<Output = Result<(), CommandError>>) -> Result<(), CommandError> {
    actix_web::rt::System::new().block_on(work)
}

/// Writes lines to stdout and flushes, so that whoever waits for a ready line gets it.
fn say(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
