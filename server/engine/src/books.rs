//! Proving that the books balance: the running check, the whole one, and seals that the database cannot rewrite.

use std::collections::HashMap;
use std::io::SeekFrom;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use marketplace::account::Role;
use marketplace::fault::Fault;
use serde::{Deserialize, Serialize};
use store::books::{Block, INVARIANTS, Violation};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio::time::timeout;
use tracing::{error, warn};

use crate::{Actor, Engine, Error, Result};

const VIOLATIONS_TOLD_MAX: i64 = 20;
const BLOCKS_A_TIME: i64 = 1_000;
const WHOLE_CHECK_EVERY: TimeDelta = TimeDelta::hours(24);
/// A server that was just started has better things to do.
const FIRST_WHOLE_CHECK_AFTER: TimeDelta = TimeDelta::hours(1);
/// Pages tell of the books; they must not all ask for them, nor wait for them.
const GLANCE_KEPT: Duration = Duration::from_secs(5);
const GLANCE_PATIENCE: Duration = Duration::from_secs(1);

/// What a check of the whole history looks at next.
#[derive(Clone, Copy, Debug)]
pub struct WholeCheck {
    pub step: usize,
    pub steps: usize,
    pub name: &'static str,
}

/// What anybody may know of the books.
#[derive(Clone, Debug, Serialize)]
pub struct BooksState {
    pub balanced: bool,
    /// Since when paid calls are refused; they never go on over books that do not add up.
    pub stopped_since: Option<String>,
    pub last_check: Option<String>,
    pub entries_checked: Option<i64>,
    pub last_whole_check: Option<String>,
    pub entries_in_whole_check: Option<i64>,
    pub block: Option<i64>,
    pub block_hash: Option<String>,
    pub sealed_at: Option<String>,
    /// Ed25519, in base64: checks seals and statements.
    pub public_key: String,
}

/// A line of the seal file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seal {
    pub block: i64,
    pub entries: i64,
    pub hash: String,
    pub sealed_at: String,
    /// Over `mercato-seal|block|entries|hash|sealed_at`.
    pub signature: String,
}

impl Engine {
    /// Every broken invariant of the whole history, and every seal that no longer fits; tells how far it has come.
    pub async fn verify_books(
        &self,
        actor: &Actor,
        mut told: impl FnMut(WholeCheck) + Send,
    ) -> Result<Vec<Violation>> {
        actor.require(&[Role::Admin, Role::Auditor])?;
        let begun = Utc::now();
        let steps = INVARIANTS.len() + 1;
        let mut broken = Vec::new();
        for (index, name) in INVARIANTS.into_iter().enumerate() {
            told(WholeCheck { step: index + 1, steps, name });
            broken.extend(store::books::list_violations(&self.0.db, name, VIOLATIONS_TOLD_MAX).await?);
        }
        told(WholeCheck { step: steps, steps, name: "seals" });
        broken.extend(self.broken_seals().await?);
        let lines: Vec<String> =
            broken.iter().map(|one| format!("{} {}: {}", one.invariant, one.subject, one.detail)).collect();
        store::books::note_whole_check(&self.0.db, &lines, begun, &actor.label()).await?;
        Ok(broken)
    }

    pub async fn books_state(&self, _actor: &Actor) -> Result<BooksState> {
        let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let db = &self.0.db;
        let stop = store::books::find_stop(db).await?;
        let recent = store::books::find_last_check(db, "recent").await?;
        let whole = store::books::find_last_check(db, "whole").await?;
        let block = store::books::find_last_block(db).await?;
        Ok(BooksState {
            balanced: stop.is_none() && recent.as_ref().is_none_or(|check| check.broken.is_empty()),
            stopped_since: stop.map(|(since, _)| time(since)),
            entries_checked: recent.as_ref().map(|check| check.entries),
            last_check: recent.map(|check| time(check.finished_at)),
            entries_in_whole_check: whole.as_ref().map(|check| check.entries),
            last_whole_check: whole.map(|check| time(check.finished_at)),
            block: block.as_ref().map(|block| block.number),
            block_hash: block.as_ref().map(|block| STANDARD.encode(&block.hash)),
            sealed_at: block.map(|block| time(block.sealed_at)),
            public_key: STANDARD.encode(self.0.secrets.seal_public_key()),
        })
    }

    /// The same as it was at most a few seconds ago, for every page; `None` when it cannot be known quickly.
    pub async fn books_glance(&self, actor: &Actor) -> Option<BooksState> {
        let mut glance = self.0.books_glance.lock().await;
        if let Some((_, state)) = glance.as_ref().filter(|(at, _)| at.elapsed() < GLANCE_KEPT) {
            return state.clone();
        }
        let state = timeout(GLANCE_PATIENCE, self.books_state(actor)).await.ok().and_then(Result::ok);
        *glance = Some((Instant::now(), state.clone()));
        state
    }

    /// A sealed block, signed anew.
    pub async fn book_seal(&self, _actor: &Actor, number: i64) -> Result<Seal> {
        let before = number.checked_sub(1).ok_or_else(|| Fault::not_found("This block"))?;
        let found = store::books::list_blocks(&self.0.db, before, 1).await?;
        let block = found.iter().find(|block| block.number == number);
        Ok(self.seal(block.ok_or_else(|| Fault::not_found("This block"))?))
    }

    /// The check that runs all the time. What it finds stops paid calls on every server.
    pub(crate) async fn check_recent(&self) {
        match store::books::check_recent(&self.0.db).await {
            Ok(Some(broken)) if !broken.is_empty() => {
                error!(broken = ?broken, "the books do not balance: paid calls are refused until `mercato ledger verify` passes");
            }
            Ok(_) => {}
            Err(cause) => warn!(%cause, "the books could not be checked"),
        }
    }

    /// Checks the whole history once a day. Books that are stopped wait for a person.
    pub(crate) async fn check_whole_daily(&self) -> Result<()> {
        let last = store::books::find_last_check(&self.0.db, "whole").await?;
        let is_due = match last {
            Some(check) => Utc::now() - check.finished_at >= WHOLE_CHECK_EVERY,
            None => self.0.watch.uptime_seconds() >= FIRST_WHOLE_CHECK_AFTER.num_seconds(),
        };
        if !is_due || store::books::find_stop(&self.0.db).await?.is_some() {
            return Ok(());
        }
        let broken = self.verify_books(&Actor::Operator, |_| {}).await?;
        if !broken.is_empty() {
            error!(?broken, "the daily check found books that do not add up: paid calls are refused");
        }
        Ok(())
    }

    /// Seals what was written and notes every new block, signed, outside the database.
    pub(crate) async fn seal_books(&self) -> Result<()> {
        store::books::seal_block(&self.0.db).await?;
        let Some(path) = &self.0.seal_file else { return Ok(()) };
        let (seals, whole_bytes) = read_seals(path).await?;
        let after = seals.last().map_or(0, |seal| seal.block);
        let blocks = store::books::list_blocks(&self.0.db, after, BLOCKS_A_TIME).await?;
        if blocks.is_empty() {
            return Ok(());
        }
        let mut lines = String::new();
        for block in &blocks {
            let line =
                serde_json::to_string(&self.seal(block)).map_err(|cause| Error::Seal(cause.to_string()))?;
            lines.push_str(&line);
            lines.push('\n');
        }
        let mut file =
            tokio::fs::OpenOptions::new().create(true).truncate(false).write(true).open(path).await?;
        // A server that died while it wrote left half a line, which says nothing and must not stay.
        file.set_len(whole_bytes).await?;
        file.seek(SeekFrom::End(0)).await?;
        file.write_all(lines.as_bytes()).await?;
        file.sync_data().await?;
        Ok(())
    }

    fn seal(&self, block: &Block) -> Seal {
        let sealed_at = block.sealed_at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let hash = STANDARD.encode(&block.hash);
        let message = sealed_message(block.number, block.entries, &hash, &sealed_at);
        let signature = STANDARD.encode(self.0.secrets.sign_seal(&message));
        Seal { block: block.number, entries: block.entries, hash, sealed_at, signature }
    }

    /// What the seals say against the books: a block that was changed, cut off or replaced by an older backup.
    async fn broken_seals(&self) -> Result<Vec<Violation>> {
        let violation = |block: i64, detail: &str| Violation {
            invariant: "seal".to_owned(),
            subject: format!("block {block}"),
            detail: detail.to_owned(),
        };
        let changed = store::books::list_broken_blocks(&self.0.db).await?;
        let mut broken: Vec<Violation> = changed
            .into_iter()
            .map(|block| violation(block, "holds other entries than were sealed"))
            .collect();
        let Some(path) = &self.0.seal_file else { return Ok(broken) };
        let (seals, _) = read_seals(path).await?;
        let mut kept = HashMap::new();
        let mut after = 0;
        loop {
            let blocks = store::books::list_blocks(&self.0.db, after, BLOCKS_A_TIME).await?;
            let Some(last) = blocks.last() else { break };
            after = last.number;
            kept.extend(blocks.iter().map(|block| (block.number, STANDARD.encode(&block.hash))));
        }
        for seal in &seals {
            let message = sealed_message(seal.block, seal.entries, &seal.hash, &seal.sealed_at);
            let signature = STANDARD.decode(&seal.signature).unwrap_or_default();
            if !self.0.secrets.seal_is_signed(&message, &signature) {
                broken.push(violation(
                    seal.block,
                    "its line in the seal file is not signed by this installation",
                ));
            } else if kept.get(&seal.block) != Some(&seal.hash) {
                broken.push(violation(seal.block, "was sealed and is no longer in the books"));
            }
        }
        Ok(broken)
    }
}

/// The seals of all whole lines, and where the last of these ends.
async fn read_seals(path: &Path) -> Result<(Vec<Seal>, u64)> {
    let text = match tokio::fs::read_to_string(path).await {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        Err(error) => return Err(error.into()),
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    let read =
        |line| serde_json::from_str(line).map_err(|cause: serde_json::Error| Error::Seal(cause.to_string()));
    Ok((whole.lines().map(read).collect::<Result<_>>()?, whole.len() as u64))
}

fn sealed_message(block: i64, entries: i64, hash: &str, sealed_at: &str) -> Vec<u8> {
    format!("mercato-seal|{block}|{entries}|{hash}|{sealed_at}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn half_a_line_of_a_server_that_died_is_no_seal() {
        let path = std::env::temp_dir().join(format!("seals-{}.jsonl", uuid::Uuid::now_v7().simple()));
        let whole = r#"{"block":1,"entries":2,"hash":"aGFzaA==","sealed_at":"2026-11-25T00:00:00Z","signature":"c2lnbg=="}"#;
        tokio::fs::write(&path, format!("{whole}\n{}", &whole[..40])).await.unwrap();
        let (seals, whole_bytes) = read_seals(&path).await.unwrap();
        assert_eq!((seals.len(), seals[0].block, whole_bytes), (1, 1, whole.len() as u64 + 1));
        tokio::fs::remove_file(&path).await.unwrap();
    }
}
