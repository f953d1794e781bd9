//! `mercato secrets`: replacing the master key while everything goes on.

use anyhow::anyhow;
use clap::Subcommand;
use engine::Actor;
use marketplace::fault::Fault;

use super::{Database, open_engine, say};
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub enum SecretsAction {
    /// Seal everything with MERCATO_MASTER_KEY that is still sealed with MERCATO_MASTER_KEY_OLD.
    Rotate,
    /// Give up everything that is sealed, when the master key is lost: API keys and sessions end, and vendors need new
    /// keys.
    Abandon {
        /// For the audit log.
        #[arg(long)]
        reason: String,
    },
}

pub async fn run(config: Config, action: SecretsAction) -> anyhow::Result<()> {
    let database = Database::open(&config)?;
    match action {
        SecretsAction::Abandon { reason } => {
            let count = engine::abandon_secrets(&database.url, &reason).await?;
            say(&format!("gave up what was sealed, the keys of {count} vendors among it"));
        }
        SecretsAction::Rotate => {
            let engine = open_engine(&config, &database, None).await?;
            let rotated = engine.rotate_secrets(&Actor::Operator).await;
            let count = rotated.map_err(|cause| match cause {
                engine::Error::MasterKey(why) => anyhow!(why),
                other => anyhow!(Fault::from(other).message),
            })?;
            say(&match count {
                0 => "everything is sealed with MERCATO_MASTER_KEY; the old one is not needed".to_owned(),
                _ => format!(
                    "sealed {count} secrets anew; once every server has the new MERCATO_MASTER_KEY, take the old one away"
                ),
            });
        }
    }
    database.close();
    Ok(())
}
