//! `entrada login URL` and `entrada logout URL`.

use super::address::Address;
use super::keep::Keep;
use super::loopback::Loopback;
use super::oauth::{self, Attempt};
use super::{EXIT_CODES, RemoteError, whisper};
use crate::cli::{CommandError, say};
use crate::config::Sources;
use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(in crate::cli) struct LoginArguments {
    /// Address of a service, such as https://host/mail-query; that of its /mcp will do as well.
    url: String,
    /// Permissions to ask for beside those that the service needs, e.g. "Mail.Send".
    #[arg(long, value_name = "PERMISSIONS")]
    scope: Option<String>,
    /// What the server calls itself, where it is reached at another address, e.g. through `kubectl port-forward`. The browser
    /// goes to this one.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Signs in at another machine by http:// as well; without it only at this one.
    #[arg(long)]
    plain_http: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub(in crate::cli) struct LogoutArguments {
    /// Address of the service, as it was given to `login`.
    url: String,
    /// As for `login`.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// As for `login`.
    #[arg(long)]
    plain_http: bool,
}

/// Signs in with the browser, and keeps what came of it for the other commands.
pub(in crate::cli) async fn login(arguments: LoginArguments, sources: &Sources) -> Result<(), CommandError> {
    let address = Address::parse(&arguments.url)?.known_as(arguments.public_url.as_deref())?;
    let http = address.client(arguments.plain_http)?;
    let keep = keep(sources)?;
    let loopback = Loopback::open().await?;
    let wanted = (arguments.scope.as_deref(), loopback.redirect_uri());
    let attempt = Attempt::begin(&http, &address, wanted, arguments.plain_http).await?;
    say(&format!("Open in your browser: {}", attempt.url))?;
    let code = loopback.code(&attempt.state, attempt.issuer()).await?;
    let login = attempt.redeem(&http, &address, &code).await?;
    keep.save(&login)?;
    say(&format!(
        "Signed in. `entrada chat {address}` goes on from here, `entrada logout {address}` ends it."
    ))?;
    Ok(())
}

/// Ends the sign-in, here and at the server.
pub(in crate::cli) async fn logout(
    arguments: LogoutArguments,
    sources: &Sources,
) -> Result<(), CommandError> {
    let address = Address::parse(&arguments.url)?.known_as(arguments.public_url.as_deref())?;
    let keep = keep(sources)?;
    let Some(login) = keep.load(&address.resource())? else {
        whisper("Nobody was signed in.")?;
        return Ok(());
    };
    let http = address.client(arguments.plain_http)?;
    let ended = oauth::revoke(&http, &login, &address, arguments.plain_http).await;
    // Forgotten here, whether the server heard of it or not; who reads the error can end it at the account page.
    keep.remove(&address.resource())?;
    ended?;
    say("Signed out.")?;
    Ok(())
}

fn keep(sources: &Sources) -> Result<Keep, RemoteError> {
    let problem = "set HOME or XDG_CONFIG_HOME".to_owned();
    Keep::of(&sources.environment)
        .ok_or_else(|| RemoteError::Keep { path: "your configuration folder".into(), problem })
}
