//! What this server remembers of keys, so that one in use is not looked up for each request. docs/limits.md says why one that
//! is revoked is refused all the same.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use marketplace::account::User;
use marketplace::id::AccountId;
use store::known_key::{Change, KnownKey, Owned};
use tokio::sync::watch;
use tracing::debug;

use crate::{Engine, Result};

/// What is remembered is used no longer than this after the database was last asked about it, or about changes.
const UNASKED_MAX: Duration = Duration::from_millis(750);
/// Longer without an answer about changes, and everything is asked for anew.
const UNHEARD_MAX: Duration = Duration::from_secs(60);
/// Keys are forgotten at once beyond this many, and looked up again.
const KEYS_MAX: usize = 10_000;

/// A key and whose it is.
#[derive(Clone, Debug)]
pub(crate) struct Whose {
    pub user: User,
    pub key: Arc<KnownKey>,
}

/// Keys by their digests.
#[derive(Debug, Default)]
pub(crate) struct Ring(Mutex<Keys>);

#[derive(Debug, Default)]
struct Keys {
    known: HashMap<Vec<u8>, Known>,
    /// Those being looked up, each with somebody who tells when it is done.
    asked: HashMap<Vec<u8>, watch::Receiver<()>>,
    /// How often something was forgotten: what was asked for before may be about what is over.
    forgotten: u64,
    /// Where the database was when it was last asked about changes, and the moment before it was.
    seen: Option<(i64, Instant)>,
    /// The changes that were told then, for they may be told again.
    heard: HashSet<Change>,
}

#[derive(Debug)]
struct Known {
    whose: Whose,
    asked_at: Instant,
    good_until: Instant,
}

/// A look at the database that is under way.
#[derive(Debug)]
pub(crate) struct Lookup<'a> {
    ring: &'a Ring,
    pub digest: &'a [u8],
    pub asked_at: Instant,
    forgotten: u64,
    /// Dropped when it is done, which tells those who wait. There is none beside another lookup.
    _done: Option<watch::Sender<()>>,
}

impl Ring {
    /// Whose key this is, if that is known well enough.
    pub fn find(&self, digest: &[u8], now: Instant) -> Option<Whose> {
        let keys = self.lock();
        let known = keys.known.get(digest)?;
        let told_at = keys.seen.map_or(known.asked_at, |(_, at)| at.max(known.asked_at));
        let is_told = now.saturating_duration_since(told_at) < UNASKED_MAX;
        (is_told && now < known.good_until).then(|| known.whose.clone())
    }

    /// Begins a lookup, or gives whoever looks already, to be waited for.
    pub fn look<'a>(
        &'a self,
        digest: &'a [u8],
        now: Instant,
    ) -> std::result::Result<Lookup<'a>, watch::Receiver<()>> {
        let mut keys = self.lock();
        if let Some(other) = keys.asked.get(digest) {
            return Err(other.clone());
        }
        let (done, waiting) = watch::channel(());
        keys.asked.insert(digest.to_vec(), waiting);
        Ok(Lookup { ring: self, digest, asked_at: now, forgotten: keys.forgotten, _done: Some(done) })
    }

    /// A lookup for whoever cannot wait for another's.
    pub fn look_beside<'a>(&'a self, digest: &'a [u8], now: Instant) -> Lookup<'a> {
        let forgotten = self.lock().forgotten;
        Lookup { ring: self, digest, asked_at: now, forgotten, _done: None }
    }

    /// Forgets the keys of an account that has just changed something about them or about itself.
    pub fn forget(&self, account: AccountId) {
        self.lock().forget(&[account]);
    }

    /// Where to ask for changes from, unless nothing is remembered. That there is no such place asks for the first.
    fn heard(&self, now: Instant) -> Option<Option<i64>> {
        let mut keys = self.lock();
        keys.known.retain(|_, known| now < known.good_until);
        let is_lost = keys.seen.is_some_and(|(_, at)| now.saturating_duration_since(at) > UNHEARD_MAX);
        let is_empty = keys.known.is_empty();
        if is_lost || is_empty {
            keys.seen = None;
        }
        (!is_empty).then(|| keys.seen.map(|(seen, _)| seen))
    }

    /// Takes in what has changed. At the first place nothing is known of what changed before it.
    fn hear(&self, changes: Vec<Change>, seen: i64, asked_at: Instant) {
        let mut keys = self.lock();
        if keys.seen.is_some() {
            let news = changes.iter().filter(|change| !keys.heard.contains(change));
            let accounts: Vec<AccountId> = news.map(|change| change.account).collect();
            keys.forget(&accounts);
        } else {
            keys.known.clear();
            keys.forgotten += 1;
        }
        keys.seen = Some((seen, asked_at));
        keys.heard = changes.into_iter().collect();
    }

    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keys {
    fn forget(&mut self, accounts: &[AccountId]) {
        if accounts.is_empty() {
            return;
        }
        self.known.retain(|_, known| !accounts.contains(&known.whose.user.id));
        self.forgotten += 1;
    }
}

impl Lookup<'_> {
    /// Remembers what was found, unless it may have changed since it was asked for.
    pub fn keep(self, owned: Owned) -> Whose {
        let whose = Whose { user: owned.owner, key: Arc::new(owned.key) };
        let mut keys = self.ring.lock();
        if keys.forgotten == self.forgotten {
            if keys.known.len() >= KEYS_MAX {
                keys.known.clear();
            }
            let good_until = self.asked_at + owned.good_for;
            let known = Known { whose: whose.clone(), asked_at: self.asked_at, good_until };
            keys.known.insert(self.digest.to_vec(), known);
        }
        whose
    }
}

impl Drop for Lookup<'_> {
    fn drop(&mut self) {
        if self._done.is_some() {
            self.ring.lock().asked.remove(self.digest);
        }
    }
}

impl Engine {
    /// Forgets keys that were changed elsewhere.
    pub(crate) async fn watch_keys(&self) {
        if let Err(cause) = self.hear_of_keys().await {
            debug!(%cause, "what has changed of keys could not be read");
        }
    }

    async fn hear_of_keys(&self) -> Result<()> {
        let (ring, asked_at) = (&self.0.ring, Instant::now());
        let Some(since) = ring.heard(asked_at) else { return Ok(()) };
        let (seen, changes) = store::known_key::list_changes(&self.0.db, since).await?;
        ring.hear(changes, seen, asked_at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use marketplace::account::{Email, Role};
    use marketplace::id::KeyId;
    use uuid::Uuid;

    use super::*;

    const MOMENT: Duration = Duration::from_millis(250);
    const ADA: AccountId = AccountId(Uuid::from_u128(1));
    const BOB: AccountId = AccountId(Uuid::from_u128(2));

    fn owned(account: AccountId, good_for: Duration) -> Owned {
        let key = KnownKey {
            id: KeyId(account.0),
            name: "laptop".to_owned(),
            scopes: Vec::new(),
            models: None,
            addresses: None,
            is_rated: false,
        };
        let owner = User {
            id: account,
            email: Email::parse("ada@example.org").unwrap(),
            name: None,
            role: Role::User,
            plan: "free".to_owned(),
            email_verified: false,
        };
        Owned { key, owner, good_for }
    }

    fn changed(account: AccountId, xid: i64) -> Change {
        Change { account, xid }
    }

    fn learn(ring: &Ring, digest: &[u8], account: AccountId, now: Instant) {
        ring.look(digest, now).unwrap().keep(owned(account, 100 * MOMENT));
    }

    #[test]
    fn a_key_is_known_as_long_as_the_database_says_that_nothing_has_changed() {
        let (ring, begun) = (Ring::default(), Instant::now());
        assert_eq!(ring.heard(begun), None, "nothing is known, so nothing is asked");
        ring.hear(Vec::new(), 10, begun);
        learn(&ring, b"ada", ADA, begun);
        assert!(ring.find(b"ada", begun + 2 * MOMENT).is_some());
        // Nobody has said anything about it since.
        assert!(ring.find(b"ada", begun + 3 * MOMENT).is_none());
        assert_eq!(ring.heard(begun + 2 * MOMENT), Some(Some(10)));
        ring.hear(vec![changed(BOB, 10)], 11, begun + 2 * MOMENT);
        assert!(ring.find(b"ada", begun + 4 * MOMENT).is_some());
        assert!(ring.find(b"ada", begun + 5 * MOMENT).is_none());
        assert_eq!(ring.heard(begun + 5 * MOMENT), Some(Some(11)));
        ring.hear(vec![changed(ADA, 11)], 12, begun + 5 * MOMENT);
        assert!(ring.find(b"ada", begun + 5 * MOMENT).is_none());
    }

    #[test]
    fn a_secret_is_not_known_beyond_its_own_end() {
        let (ring, begun) = (Ring::default(), Instant::now());
        ring.look(b"ada", begun).unwrap().keep(owned(ADA, MOMENT));
        assert!(ring.find(b"ada", begun + MOMENT / 2).is_some());
        assert!(ring.find(b"ada", begun + MOMENT).is_none());
    }

    #[test]
    fn what_was_asked_for_before_a_change_is_not_remembered_after_it() {
        let (ring, begun) = (Ring::default(), Instant::now());
        let lookup = ring.look(b"ada", begun).unwrap();
        ring.forget(ADA);
        lookup.keep(owned(ADA, MOMENT));
        assert!(ring.find(b"ada", begun).is_none());
        // Nor what was known before anybody asked about changes: there may have been one in between.
        learn(&ring, b"ada", ADA, begun);
        let lookup = ring.look(b"bob", begun).unwrap();
        ring.hear(Vec::new(), 10, begun + MOMENT);
        lookup.keep(owned(BOB, MOMENT));
        assert!(ring.find(b"ada", begun + MOMENT).is_none() && ring.find(b"bob", begun + MOMENT).is_none());
    }

    #[test]
    fn a_change_that_is_told_again_is_no_other() {
        let (ring, begun) = (Ring::default(), Instant::now());
        ring.hear(Vec::new(), 10, begun);
        ring.hear(vec![changed(ADA, 12)], 10, begun);
        learn(&ring, b"ada", ADA, begun);
        ring.hear(vec![changed(ADA, 12)], 10, begun);
        assert!(ring.find(b"ada", begun).is_some());
        ring.hear(vec![changed(ADA, 12), changed(ADA, 11)], 10, begun);
        assert!(ring.find(b"ada", begun).is_none(), "a change that was over later is one too");
    }

    #[test]
    fn a_silence_too_long_begins_anew() {
        let (ring, begun) = (Ring::default(), Instant::now());
        ring.hear(Vec::new(), 10, begun);
        let later = begun + UNHEARD_MAX + MOMENT;
        learn(&ring, b"ada", ADA, later);
        assert_eq!(ring.heard(later), Some(None));
        ring.hear(Vec::new(), 99, later);
        assert!(ring.find(b"ada", later).is_none());
        assert_eq!(ring.heard(later), None);
    }

    #[test]
    fn one_looks_and_the_others_wait_until_it_is_done_or_given_up() {
        let (ring, begun) = (Ring::default(), Instant::now());
        let lookup = ring.look(b"ada", begun).unwrap();
        let waiting = ring.look(b"ada", begun).unwrap_err();
        drop(ring.look_beside(b"ada", begun));
        assert!(waiting.has_changed().is_ok(), "another's end is not its own");
        drop(lookup);
        assert!(waiting.has_changed().is_err(), "nobody is told");
        learn(&ring, b"ada", ADA, begun);
        assert!(ring.find(b"ada", begun).is_some());
    }

    #[test]
    fn no_more_keys_are_remembered_than_there_is_room_for() {
        let (ring, begun) = (Ring::default(), Instant::now());
        for number in 0..=KEYS_MAX {
            learn(&ring, &number.to_be_bytes(), ADA, begun);
        }
        assert_eq!(ring.lock().known.len(), 1);
    }
}
