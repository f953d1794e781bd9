//! `mercato vendors`: who can be asked, where they are, and the keys of ours at them.

use anyhow::anyhow;
use clap::{Args, Subcommand};
use engine::{Actor, Engine};
use marketplace::fault::Fault;
use marketplace::operator::{KeyState, VendorState};

use super::{Database, open_engine, say};
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub enum VendorsAction {
    /// Show every vendor, where it is and where its key comes from.
    List,
    /// Add a vendor that speaks as OpenAI does. Running servers know it within a second.
    Add {
        /// What models in the catalogue call it, such as `lantern`.
        id: String,
        #[arg(long)]
        name: String,
        #[arg(long)]
        base_url: String,
        #[command(flatten)]
        why: Why,
    },
    /// Say that a vendor is somewhere else. Its stored key is cleared.
    Move {
        id: String,
        #[arg(long)]
        base_url: String,
        #[command(flatten)]
        why: Why,
    },
    /// Take away a vendor that was added, or another address that was stored, and the stored key with it.
    Remove {
        id: String,
        #[command(flatten)]
        why: Why,
    },
    /// Store a key, read from the first line of input.
    SetKey {
        id: String,
        #[command(flatten)]
        why: Why,
    },
    /// Forget a stored key.
    ClearKey {
        id: String,
        #[command(flatten)]
        why: Why,
    },
}

#[derive(Debug, Args)]
pub struct Why {
    /// For the audit log.
    #[arg(long)]
    reason: String,
}

pub async fn run(config: Config, action: VendorsAction) -> anyhow::Result<()> {
    let database = Database::open(&config)?;
    let engine = open_engine(&config, &database, None).await?;
    act(&engine, action).await.map_err(|cause| anyhow!(Fault::from(cause).message))?;
    database.close();
    Ok(())
}

async fn act(engine: &Engine, action: VendorsAction) -> engine::Result<()> {
    let actor = Actor::Operator;
    match action {
        VendorsAction::List => {
            for vendor in engine.list_vendors(&actor).await? {
                say(&line(&vendor));
            }
        }
        VendorsAction::Add { id, name, base_url, why } => {
            engine.add_vendor(&actor, (&id, &name), &base_url, &why.reason).await?;
            say(&format!("added {id}; store its key with: mercato vendors set-key {id} --reason …"));
        }
        VendorsAction::Move { id, base_url, why } => {
            engine.move_vendor(&actor, &id, &base_url, &why.reason).await?;
            say(&format!("{id} has that address now, and no stored key"));
        }
        VendorsAction::Remove { id, why } => {
            engine.remove_vendor(&actor, &id, &why.reason).await?;
            say(&format!("what was stored of {id} is gone"));
        }
        VendorsAction::SetKey { id, why } => {
            let key = first_line().map_err(|_| Fault::invalid("key", "could not be read from the input"))?;
            engine.set_vendor_key(&actor, &id, key.into(), &why.reason).await?;
            say(&format!("{id} has a new key; running servers use it within a second"));
        }
        VendorsAction::ClearKey { id, why } => {
            engine.clear_vendor_key(&actor, &id, &why.reason).await?;
            say(&format!("{id} has no stored key any more"));
        }
    }
    Ok(())
}

fn first_line() -> std::io::Result<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line)
}

fn line(vendor: &VendorState) -> String {
    let key = match vendor.key {
        KeyState::Missing => "no key",
        KeyState::Environment => "key of the environment",
        KeyState::Stored => "stored key",
        KeyState::OtherAddress => "stored key for another address, not used",
        KeyState::Unreadable => "stored key that cannot be opened",
        KeyState::Simulated => "simulated",
    };
    let end = vendor.key_last_four.as_ref().map(|end| format!(" …{end}")).unwrap_or_default();
    let refused = vendor.refused_since.as_ref().map(|since| format!(", REFUSED since {since}"));
    format!("{:<14} {:<50} {key}{end}{}", vendor.id.0, vendor.base_url, refused.unwrap_or_default())
}
