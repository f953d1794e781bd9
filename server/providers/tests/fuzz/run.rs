//! A run of one target: from its seeds to what nobody thought of.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

use crate::chance::Chance;
use crate::corpus;
use crate::mutation::mutated;

/// How many targets share the runs.
const TARGETS: u64 = 10;
const RUNS: u64 = 1_000_000;
const SEED: u64 = 20_261_125;
/// What is worth going on from, at most.
const POOL_MAX: usize = 4_000;
/// What is worth keeping.
const KEPT_BYTES_MAX: usize = 600;
const KEPT_MAX: usize = 12;

/// Gives a target bodies to read. It says how it read each one: the same way of reading has the same number.
pub fn run(target: &str, read: impl Fn(&[u8], &mut Chance) -> u64) {
    let asked = number("MERCATO_FUZZ_RUNS").unwrap_or(RUNS);
    let (runs, seed) = (asked.div_ceil(TARGETS), number("MERCATO_SEED").unwrap_or(SEED));
    let mut named = DefaultHasher::new();
    target.hash(&mut named);
    let mut chance = Chance::new(seed ^ named.finish());
    let mut pool = corpus::seeds(target);
    let mut ways = HashSet::new();
    let attempt = |body: &[u8], chance: &mut Chance| {
        let before = chance.clone();
        match catch_unwind(AssertUnwindSafe(|| read(body, chance))) {
            Ok(way) => way,
            Err(cause) => {
                let kept = corpus::keep(target, "failed", body);
                eprintln!("{target}: seed {seed} fails with {before:?}, kept as {}", kept.display());
                resume_unwind(cause)
            }
        }
    };
    for body in &pool {
        ways.insert(attempt(body, &mut chance));
    }
    let (known, mut kept, begun) = (ways.len(), corpus::kept(target).len(), Instant::now());
    for _ in 0..runs {
        let (body, other) = (&pool[chance.below(pool.len())], &pool[chance.below(pool.len())]);
        let body = mutated(body, other, &mut chance);
        if !ways.insert(attempt(&body, &mut chance)) {
            continue;
        }
        if number("MERCATO_FUZZ_KEEP").is_some() && body.len() < KEPT_BYTES_MAX && kept < KEPT_MAX {
            corpus::keep(target, "read", &body);
            kept += 1;
        }
        if pool.len() < POOL_MAX {
            pool.push(body);
        }
    }
    let (new, took) = (ways.len() - known, begun.elapsed());
    eprintln!(
        "{target}: {runs} runs with seed {seed} in {took:?}, {known} known ways of reading and {new} new ones"
    );
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
