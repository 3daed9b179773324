//! `entrada keys`: makes keys and prepares rotations. What it prints is secret; it goes nowhere but stdout.

use super::{CommandError, say};
use crate::app::{self, StartError};
use crate::config::{Config, ConfigError, Sources, load};
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
    /// Says how many stored records are sealed under which key.
    Status,
    /// Brings stored records under the active key, beside replicas at work. A store file must not be in use.
    Reencrypt,
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
        KeysCommand::Status => super::block_on(status(load(sources)?))?,
        KeysCommand::Reencrypt => super::block_on(reencrypt(load(sources)?))?,
        KeysCommand::List => {
            for key in load(sources)?.key_ring()?.keys() {
                say(&key.id)?;
            }
        }
    }
    Ok(())
}

/// One line per key of the ring, active first, then the keys that records name and the ring lacks; below each its records.
async fn status(config: Config) -> Result<(), CommandError> {
    let (store, _) = app::records(&config)?;
    let counts = store.sealed_counts().await.map_err(StartError::from)?;
    let ring = config.key_ring()?;
    let mut ids: Vec<&str> = ring.keys().iter().map(|key| key.id.as_str()).collect();
    let known = ids.len();
    for count in &counts {
        if !ids.contains(&count.key.as_str()) {
            ids.push(&count.key);
        }
    }
    for (index, id) in ids.iter().enumerate() {
        let standing = match index {
            0 => "active",
            _ if index < known => "in the ring",
            _ => "NOT in the ring: these records cannot be read",
        };
        let mine: Vec<_> = counts.iter().filter(|count| count.key == *id).collect();
        let total: u64 = mine.iter().map(|count| count.count).sum();
        say(&format!("{id}: {total} records ({standing})"))?;
        for count in mine {
            say(&format!("  {}: {}", count.kind, count.count))?;
        }
    }
    Ok(())
}

async fn reencrypt(config: Config) -> Result<(), CommandError> {
    let (store, cipher) = app::records(&config)?;
    let swept = store.reseal(&cipher).await.map_err(StartError::from)?;
    say(&format!(
        "{} records brought under {}; {} overtaken by other writers, {} left (short-lived, or their key is not in the ring)",
        swept.done,
        cipher.active(),
        swept.overtaken,
        swept.left
    ))?;
    Ok(())
}

/// The steps of a rotation without a gap: a replica that writes with a key is never beside one that cannot read it.
fn rotation(fresh: &str, present: &str) -> String {
    format!(
        "# 1. On every replica first: all of them can read the new key, none writes with it yet.\n\
         ENCRYPTION_KEYS={present},{fresh}\n\
         # 2. When step 1 has reached every replica: they write with the new key from now on.\n\
         ENCRYPTION_KEYS={fresh},{present}\n\
         # 3. `entrada keys reencrypt` brings the records under the new key (the servers do it by themselves, ten minutes\n\
         #    later); `entrada keys status` shows what is left under which.\n\
         # 4. Keep the old keys for 90 days even so: refresh tokens that were not used since are found by them,\n\
         #    and personal keys for as long as those live (oauth.personal_key_ttl_s, a year unless you set it)."
    )
}

fn fresh_id() -> String {
    format!("k{}", random::text::<6>().replace(['-', '_'], "x"))
}

fn entry(id: &str) -> String {
    format!("{id}:{}", STANDARD.encode(random::bytes::<32>()))
}
