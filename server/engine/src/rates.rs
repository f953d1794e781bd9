//! Requests and tokens a minute: of a plan, of a key, from an address. docs/limits.md says why it is exact.
//!
//! A minute's allowance lies in the database. This server takes slices of it and spends them here, so that a call waits for
//! the database only when its slice is spent; and mostly not even then, for the look at its key brings the next one along.
//! Where there is a Valkey, the allowance lies there instead, and is asked for by itself.

mod source;
mod ticket;
mod valkey;
mod window;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use marketplace::fault::{Code, Fault};
use marketplace::id::{AccountId, KeyId};
use marketplace::network::Network;
use marketplace::rate::{Limited, Owner, Standing, Unit};
use store::known_key::Owned;
use store::rate::{Limits, Need, Slice};
use tracing::warn;

use self::source::{Caller, Counter};
pub(crate) use self::ticket::Ticket;
pub(crate) use self::valkey::Valkey;
pub use self::valkey::ValkeyAddress;
use self::window::{Lack, Window};
use crate::{Actor, Engine, Result};

/// How an installation limits what is asked of it in a minute.
#[derive(Clone, Copy, Debug)]
pub struct RateLimits {
    /// Plans' limits are multiplied by it; 0 takes the limits of plans, keys and addresses away.
    pub factor: i64,
    /// How often programs at one address may ask.
    pub requests_from_address: Option<i64>,
}

/// Whose minute it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    Account(AccountId),
    Key(KeyId),
    Address(Network),
}

/// What a call is counted as when it begins.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    pub input: i64,
    /// Of this, what the limit has no room for is not counted: it says no more than what the answer may be.
    pub output: i64,
}

impl Counted {
    fn whole(self) -> Need {
        Need { requests: 1, tokens: self.input.saturating_add(self.output) }
    }
}

/// Slices in hand, by whom they belong to, and the keys that are known to belong to somebody.
pub(crate) struct Rates {
    limits: RateLimits,
    windows: Mutex<HashMap<Subject, Window>>,
    holders: Mutex<HashMap<Vec<u8>, Vec<Subject>>>,
    valkey: Option<Valkey>,
}

/// Others may spend what was fetched before it is taken; they cannot go on for ever.
const TRIES: u32 = 32;
/// Digests of keys are forgotten at once beyond this many, and learned again.
const HOLDERS_MAX: usize = 100_000;

impl Rates {
    pub fn new(limits: RateLimits, valkey: Option<Valkey>) -> Self {
        Self { limits, windows: Mutex::default(), holders: Mutex::default(), valkey }
    }

    /// Valkey, if the operator has one, whether it answers or not.
    pub fn valkey(&self) -> Option<&Valkey> {
        self.valkey.as_ref()
    }

    /// The factor, unless nothing is limited.
    pub fn factor(&self) -> Option<i64> {
        Some(self.limits.factor).filter(|factor| *factor > 0)
    }

    /// Whose requests from this address count, and how many there may be. This machine may ask itself what it likes.
    pub fn address_limit(&self, address: IpAddr) -> Option<(Network, i64)> {
        let limit = self.limits.requests_from_address.filter(|limit| *limit > 0)?;
        self.factor()?;
        let is_own = address.to_canonical().is_loopback();
        (!is_own).then(|| (Network::behind(address), limit))
    }

    /// Whether the look at this key should bring slices along.
    pub fn wants_slices(&self, digest: &[u8], now: Instant) -> bool {
        if self.factor().is_none() {
            return false;
        }
        let holders = lock(&self.holders);
        let Some(subjects) = holders.get(digest) else { return true };
        let windows = lock(&self.windows);
        subjects.iter().any(|subject| windows.get(subject).is_none_or(|window| window.is_spent(now)))
    }

    /// Counts a request of whoever is behind an address, or refuses it. False when a slice must be taken first.
    pub fn count_address(&self, network: Network, now: Instant) -> std::result::Result<bool, Fault> {
        match self.take(&[Subject::Address(network)], Counted::default(), now) {
            Take::Refused(fault) => Err(fault),
            Take::Taken(..) => Ok(true),
            Take::Lacks(_) => Ok(false),
        }
    }

    /// Keeps what came with a look at a key, and whose slices the key spends.
    pub fn keep(
        &self,
        digest: &[u8],
        known: Option<&Owned>,
        network: Option<Network>,
        slices: Vec<Slice>,
        asked_at: Instant,
    ) {
        let subjects =
            known.map(|Owned { key, owner, .. }| subjects(owner.id, key.is_rated.then_some(key.id)));
        if let Some(subjects) = &subjects {
            self.learn_holder(digest, subjects);
        }
        self.fill(slices, Counter::Database, asked_at, |owner| match owner {
            Owner::Plan => subjects.as_ref()?.first().copied(),
            Owner::Key => subjects.as_ref()?.get(1).copied(),
            Owner::Address => network.map(Subject::Address),
        });
    }

    fn learn_holder(&self, digest: &[u8], subjects: &[Subject]) {
        let mut holders = lock(&self.holders);
        if holders.get(digest).is_some_and(|known| known == subjects) {
            return;
        }
        if holders.len() >= HOLDERS_MAX {
            holders.clear();
        }
        holders.insert(digest.to_vec(), subjects.to_vec());
    }

    /// Puts slices beside those in hand. The time is from before they were asked for.
    fn fill(
        &self,
        slices: Vec<Slice>,
        counter: Counter,
        asked_at: Instant,
        whose: impl Fn(Owner) -> Option<Subject>,
    ) {
        let mut windows = lock(&self.windows);
        for slice in slices {
            let Some(subject) = whose(slice.owner) else { continue };
            match windows.get_mut(&subject) {
                Some(window) => window.add(slice, counter, asked_at),
                None => {
                    windows.insert(subject, Window::open(slice, counter, asked_at));
                }
            }
        }
    }

    /// What limits whoever lacks something, as far as it was learned in the minute that runs.
    fn limits_in_hand(&self, lacks: &[(Subject, Need)], now: Instant) -> Option<Vec<Limits>> {
        let windows = lock(&self.windows);
        let limits = |(subject, _): &(Subject, Need)| {
            windows.get(subject).filter(|window| !window.is_over(now)).map(Window::limits)
        };
        lacks.iter().map(limits).collect()
    }

    /// Counts a call with all of these or with none.
    fn take(&self, subjects: &[Subject], counted: Counted, now: Instant) -> Take {
        let mut windows = lock(&self.windows);
        let mut lacks = Vec::new();
        let mut standing = Standing::default();
        for subject in subjects {
            let lack = match windows.get(subject) {
                Some(window) => {
                    standing = standing.tighter(window.standing(now));
                    window.lack(counted, now)
                }
                None => Lack::Slice(counted.whole()),
            };
            match lack {
                Lack::Nothing => {}
                Lack::Slice(need) => lacks.push((*subject, need)),
                Lack::Room(unit) => {
                    let Some(window) = windows.get(subject) else { continue };
                    return Take::Refused(window.refusal(unit, standing, now));
                }
                Lack::Size => {
                    let Some(window) = windows.get(subject) else { continue };
                    return Take::Refused(window.too_large(counted));
                }
            }
        }
        if !lacks.is_empty() {
            return Take::Lacks(lacks);
        }
        let mut taken = Vec::with_capacity(subjects.len());
        let mut standing = Standing::default();
        for subject in subjects {
            if let Some(window) = windows.get_mut(subject) {
                taken.push((*subject, window.minute(), window.take(counted)));
                standing = standing.tighter(window.standing(now));
            }
        }
        Take::Taken(standing, taken)
    }

    /// Puts back what was counted and not used, or counts what was used beyond it.
    fn correct(&self, subject: Subject, minute: i64, tokens: i64) {
        if let Some(window) = lock(&self.windows).get_mut(&subject) {
            window.correct(minute, tokens);
        }
    }

    /// Forgets minutes that are over.
    pub fn forget(&self, now: Instant) {
        // In the order in which they are locked elsewhere.
        let mut holders = lock(&self.holders);
        let mut windows = lock(&self.windows);
        windows.retain(|_, window| !window.is_over(now));
        holders.retain(|_, subjects| subjects.iter().any(|subject| windows.contains_key(subject)));
    }
}

enum Take {
    Taken(Standing, Vec<(Subject, i64, i64)>),
    Lacks(Vec<(Subject, Need)>),
    Refused(Fault),
}

impl Engine {
    /// Counts a call among those of its minute. Nothing is asked of anybody while there is some of a slice left.
    pub(crate) async fn admit(&self, actor: &Actor, counted: Counted) -> Result<Ticket> {
        let Some(factor) = self.0.rates.factor() else { return Ok(Ticket::free()) };
        let account = actor.owner()?;
        let key = actor.rated_key();
        let subjects = subjects(account, key);
        for _ in 0..TRIES {
            let now = Instant::now();
            match self.0.rates.take(&subjects, counted, now) {
                Take::Taken(standing, taken) => {
                    return Ok(Ticket::new(self.clone(), standing, taken));
                }
                Take::Refused(fault) => {
                    self.0.watch.note_limited(&fault);
                    return Err(fault.into());
                }
                Take::Lacks(lacks) => self.fetch(Caller { account, key, factor }, &lacks).await?,
            }
        }
        warn!(account.id = %account, "others were always quicker to take a slice of the minute");
        let message = "Too many calls at once; try again in a moment";
        Err(Fault { retry_after_seconds: Some(1), ..Fault::new(Code::RateLimitExceeded, message) }.into())
    }
}

fn subjects(account: AccountId, key: Option<KeyId>) -> Vec<Subject> {
    std::iter::once(Subject::Account(account)).chain(key.map(Subject::Key)).collect()
}

/// Whose a slice is that was taken for this account and key.
fn whose(account: AccountId, key: Option<KeyId>) -> impl Fn(Owner) -> Option<Subject> {
    move |owner| match owner {
        Owner::Plan => Some(Subject::Account(account)),
        Owner::Key => key.map(Subject::Key),
        Owner::Address => None,
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says who limits what, how much, until when, and what can be done about it.
fn refused(limited: Limited, standing: Standing, owner_name: &str) -> Fault {
    let Limited { owner, unit, left } = limited;
    let (limit, unit_name, wait) = (left.limit, unit.as_str(), left.resets_in_seconds.max(1));
    let (whose, advice) = match owner {
        Owner::Plan => (format!("The plan {owner_name} allows"), "or choose a larger plan"),
        Owner::Key => (format!("The key {owner_name:?} allows"), "or raise its limit"),
        Owner::Address => (format!("Programs at {owner_name} may make"), "or ask less often"),
    };
    let left = match unit {
        Unit::Requests => String::new(),
        Unit::Tokens => format!(", and {} are left", left.remaining),
    };
    let message = format!("{whose} {limit} {unit_name} a minute{left}. Try again in {wait} s, {advice}");
    Fault {
        retry_after_seconds: Some(wait),
        limited: Some(Box::new(limited)),
        standing: Some(Box::new(standing)),
        ..Fault::new(Code::RateLimitExceeded, message)
    }
}
