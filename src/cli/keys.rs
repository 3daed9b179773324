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
    /// Prints the values that ENCRYPTION_KEYS takes, one after the other, to bring in a fresh active key.
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
            say(&rotation(&entry(&fresh_id()), present.expose()))?;
        }
        KeysCommand::List => {
            for key in load(sources)?.key_ring()?.keys() {
                say(&key.id)?;
            }
        }
    }
    Ok(())
}

/// The steps of a rotation without a gap: a replica that writes with a key is never beside one that cannot read it.
fn rotation(fresh: &str, present: &str) -> String {
    format!(
        "# 1. On every replica first: all of them can read the new key, none writes with it yet.\n\
         ENCRYPTION_KEYS={present},{fresh}\n\
         # 2. When step 1 has reached every replica: they write with the new key from now on.\n\
         ENCRYPTION_KEYS={fresh},{present}\n\
         # 3. Keep the old keys for 90 days; records that were not renewed by then have expired."
    )
}

fn fresh_id() -> String {
    format!("k{}", random::text::<6>().replace(['-', '_'], "x"))
}

fn entry(id: &str) -> String {
    format!("{id}:{}", STANDARD.encode(random::bytes::<32>()))
}
