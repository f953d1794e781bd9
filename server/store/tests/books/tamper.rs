//! Goal M9: whatever somebody with every right changes behind the product's back, its verification finds.
//!
//! Each change is made with triggers and foreign keys switched off, looked at as the product would look, and undone.
//! The seals are kept outside the database, as the seal file is.

mod changes;
mod history;

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use store::books::list_blocks;

use self::changes::{Change, Kind, UNNOTICED, kinds};
use crate::support::{Books, dice, sized};

const BLOCKS_MAX: i64 = 1_000;
/// How often another row is tried before a kind of change counts as one that the tables themselves refuse.
const TRIES: usize = 60;

/// What became of a change.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// A check or a key of the table did not let it through.
    Refused,
    /// Named by these invariants, blocks or seals.
    Found(BTreeSet<String>),
    Unnoticed,
}

struct Tampering {
    root: PgPool,
    /// What the seal file holds: it lies where the database cannot write.
    seals: BTreeMap<i64, Vec<u8>>,
}

impl Tampering {
    async fn of(market: &Books) -> Self {
        let blocks = list_blocks(&market.db, 0, BLOCKS_MAX).await.unwrap();
        let seals = blocks.into_iter().map(|block| (block.number, block.hash)).collect();
        Self { root: market.root.clone(), seals }
    }

    async fn look(&self, connection: &mut PgConnection) -> BTreeSet<String> {
        let named = "select invariant from ledger.violation union select 'block' from ledger.broken_block";
        let named: Vec<String> = sqlx::query_scalar(named).fetch_all(&mut *connection).await.unwrap();
        let kept =
            sqlx::query_as("select block_no, hash from ledger_block").fetch_all(connection).await.unwrap();
        let kept: BTreeMap<i64, Vec<u8>> = kept.into_iter().collect();
        let is_broken = self.seals.iter().any(|(block, hash)| kept.get(block) != Some(hash));
        named.into_iter().chain(is_broken.then(|| "seal".to_owned())).collect()
    }

    /// Makes a change by force, looks, and undoes it.
    async fn attempt(&self, change: &Change) -> Outcome {
        let mut connection = self.root.acquire().await.unwrap();
        let mut forced = connection.begin().await.unwrap();
        sqlx::raw_sql("set local session_replication_role = replica").execute(&mut *forced).await.unwrap();
        let made = sqlx::raw_sql(AssertSqlSafe(change.sql.clone())).execute(&mut *forced).await;
        let outcome = match made {
            Ok(made) if made.rows_affected() > 0 || change.counts_no_rows => {
                let found = self.look(&mut forced).await;
                if found.is_empty() { Outcome::Unnoticed } else { Outcome::Found(found) }
            }
            _ => Outcome::Refused,
        };
        forced.rollback().await.unwrap();
        outcome
    }

    /// Tries a kind of change on one row after another until one is let through.
    async fn attempt_some(&self, kind: &Kind, dice: &mut StdRng) -> (Change, Outcome) {
        let mut change = kind.change(dice);
        for _ in 0..TRIES {
            let outcome = self.attempt(&change).await;
            if outcome != Outcome::Refused {
                return (change, outcome);
            }
            change = kind.change(dice);
        }
        (change, Outcome::Refused)
    }
}

/// What was counted.
#[derive(Default)]
struct Figures {
    made: usize,
    refused: BTreeSet<String>,
    found_by: BTreeMap<String, usize>,
    missed: Vec<String>,
}

impl Figures {
    fn count(&mut self, kind: &Kind, change: &Change, outcome: Outcome) {
        match outcome {
            Outcome::Refused => {
                self.refused.insert(kind.name.clone());
                return;
            }
            Outcome::Found(names) => {
                for name in names {
                    *self.found_by.entry(name).or_default() += 1;
                }
            }
            Outcome::Unnoticed => self.missed.push(format!("{}: {}", kind.name, change.sql)),
        }
        self.made += 1;
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_change_by_force_is_found_by_the_verification(root: PgPool) {
    let mut dice = dice("tampering");
    let market = Books::busy(root).await;
    let tampering = Tampering::of(&market).await;
    assert!(tampering.seals.len() >= 2, "there is nothing to go back to");
    let mut connection = market.root.acquire().await.unwrap();
    assert_eq!(tampering.look(&mut connection).await, BTreeSet::new(), "the books were broken before");
    drop(connection);
    let all = kinds(&market.root).await;
    let (unnoticed, guarded): (Vec<Kind>, Vec<Kind>) =
        all.into_iter().partition(|kind| UNNOTICED.contains(&kind.name.as_str()));
    assert_eq!(unnoticed.len(), UNNOTICED.len(), "a name in the list of what nobody notices is no change");
    let mut figures = Figures::default();
    for kind in &guarded {
        let (change, outcome) = tampering.attempt_some(kind, &mut dice).await;
        figures.count(kind, &change, outcome);
    }
    while figures.made < sized(0, 1_000) {
        let kind = guarded.choose(&mut dice).unwrap();
        let (change, outcome) = tampering.attempt_some(kind, &mut dice).await;
        figures.count(kind, &change, outcome);
    }
    eprintln!(
        "{} changes by force of {} kinds, found by {:?}",
        figures.made,
        guarded.len(),
        figures.found_by
    );
    eprintln!("refused by the tables themselves: {:?}", figures.refused);
    eprintln!("{} of {} were missed", figures.missed.len(), figures.made);
    assert!(figures.missed.is_empty(), "nobody noticed {:#?}", figures.missed);
    for must in ["seal", "block", "I1", "I2", "I3", "I4", "I6", "I7", "I8", "I11"] {
        assert!(figures.found_by.contains_key(must), "{must} found nothing at all");
    }
    assert_are_unnoticed(&tampering, &unnoticed, &mut dice).await;
}

/// So that what is mended leaves the list.
async fn assert_are_unnoticed(tampering: &Tampering, kinds: &[Kind], dice: &mut StdRng) {
    let mut mended = Vec::new();
    for kind in kinds {
        let mut tries = 0;
        while tampering.attempt(&kind.change(dice)).await != Outcome::Unnoticed {
            tries += 1;
            if tries == TRIES {
                mended.push(&kind.name);
                break;
            }
        }
    }
    assert!(mended.is_empty(), "found now, so these leave the list: {mended:?}");
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name.as_str()).collect();
    eprintln!("{} kinds of changes that nobody notices yet: {names:?}", names.len());
}

#[sqlx::test(migrations = "../../migrations")]
async fn only_the_seals_tell_an_older_backup_from_the_books(root: PgPool) {
    let market = Books::busy(root).await;
    let tampering = Tampering::of(&market).await;
    for change in changes::backwards(&market.root).await {
        let outcome = tampering.attempt(&change).await;
        let expected = Outcome::Found(BTreeSet::from(["seal".to_owned()]));
        assert_eq!(outcome, expected, "{}", change.sql);
    }
}
