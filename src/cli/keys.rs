//! `entrada keys`: makes keys and prepares rotations. What it prints is secret; it goes nowhere but stdout.

use super::{CommandError, say};
use crate::config::{ConfigError, Sources, load};
use crate::domain::random;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(super) struct KeysArguments {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Prints a fresh `kid:key` for ENCRYPTION_KEYS.
    New {
        /// Key id; a random one by default.
        #[arg(long)]
        id: Option<String>,
    },
    /// Prints the value of ENCRYPTION_KEYS with a fresh active key in front of the present ones.
    Rotate,
    /// Names the key ids of the present ring, active first.
    List,
}

pub(super) fn run(arguments: &KeysArguments, sources: &Sources) -> Result<(), CommandError> {
    match &arguments.command {
        KeysCommand::New { id } => {
            let id = id.clone().unwrap_or_else(fresh_id);
            let entry = entry(&id);
            // The ring's own reader decides which ids are fit.
            crate::domain::keyring::KeyRing::from_list(&entry)
                .map_err(|e| ConfigError::Refused { key: "--id", problem: e.to_string() })?;
            say(&entry)?;
        }
        KeysCommand::Rotate => {
            let present = load(sources)?.keys.encryption_keys;
            if present.expose().is_empty() {
                return Err(ConfigError::Missing {
                    key: "keys.encryption_keys",
                    remedy: "rotation needs ENCRYPTION_KEYS; a ring made from ENCRYPTION_KEY alone cannot be extended",
                }
                .into());
            }
            crate::domain::keyring::KeyRing::from_list(present.expose())
                .map_err(|e| ConfigError::Refused { key: "keys.encryption_keys", problem: e.to_string() })?;
            say(&format!("{},{}", entry(&fresh_id()), present.expose()))?;
        }
        KeysCommand::List => {
            for key in load(sources)?.key_ring()?.keys() {
                say(&key.id)?;
            }
        }
    }
    Ok(())
}

fn fresh_id() -> String {
    format!("k{}", random::text::<6>().replace(['-', '_'], "x"))
}

fn entry(id: &str) -> String {
    format!("{id}:{}", STANDARD.encode(random::bytes::<32>()))
}
