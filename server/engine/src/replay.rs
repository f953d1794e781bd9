//! What somebody's own month would have cost with each model: added up once, and kept until it changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use chrono::{TimeDelta, Utc};
use marketplace::id::{AccountId, ModelId};
use marketplace::model::{Kind, Listing};
use marketplace::recommend::{PastCall, Replay, replay};
use marketplace::statement::Month;

use crate::catalogue::Catalogue;
use crate::{Actor, Engine, Result};

/// Of so many accounts months are kept, a few kilobytes each.
const ACCOUNTS_MAX: usize = 256;
/// Hardly any month of one person has more calls.
const CALLS_MAX: i64 = 200_000;
/// A call that was settled in the last moments of a month may be booked a moment after it.
const LATE_MAX: TimeDelta = TimeDelta::minutes(1);

/// What a month of somebody's own calls would have cost at the price of one model.
#[derive(Clone, Copy, Debug)]
pub struct Replayed {
    pub month: Month,
    pub sum: Replay,
}

/// The months that were looked at last, the newest last.
#[derive(Default)]
pub(crate) struct Replays(Mutex<Vec<Kept>>);

struct Kept {
    account: AccountId,
    /// At whose prices; what it points to may be gone, and then there is another.
    catalogue: Weak<Catalogue>,
    /// The month in which it was asked.
    asked: Month,
    /// How the wallets stood, where more calls may be added; a month that is over stays as it is.
    stand: Option<i64>,
    past: Option<Arc<Past>>,
}

/// Somebody's calls, and what became of them with each model so far.
struct Past {
    month: Month,
    /// Gone once every model is added up.
    calls: Mutex<Option<Arc<Vec<PastCall>>>>,
    sums: Mutex<HashMap<ModelId, Option<Replay>>>,
}

impl Engine {
    /// What the caller's own chats of the last whole month, or of the running one if there were none, would have cost
    /// with each of these models. Nothing for whoever is not signed in, or asked nothing.
    pub async fn replay(&self, actor: &Actor, listings: &[&Listing]) -> Result<Vec<Option<Replayed>>> {
        let Ok(account) = actor.account() else { return Ok(Vec::new()) };
        let catalogue = self.0.catalogue.load_full();
        let Some(past) = self.past(account, &catalogue).await? else { return Ok(Vec::new()) };
        let sums = past.sums(listings).await;
        Ok(sums.into_iter().map(|sum| Some(Replayed { month: past.month, sum: sum? })).collect())
    }

    async fn past(&self, account: AccountId, catalogue: &Arc<Catalogue>) -> Result<Option<Arc<Past>>> {
        let asked = Month::of(Utc::now());
        let stand = match self.0.replays.find(account, catalogue, asked) {
            Some((None, past)) => return Ok(past),
            Some((Some(kept), past)) => {
                let stand = store::spending::get_stand(&self.0.db, account).await?;
                if stand == kept {
                    return Ok(past);
                }
                stand
            }
            None => store::spending::get_stand(&self.0.db, account).await?,
        };
        let (month, past) = self.load_past(account, catalogue, asked).await?;
        let is_over = Utc::now() >= month.ends() + LATE_MAX;
        let stand = (!is_over).then_some(stand);
        let kept = Kept { account, catalogue: Arc::downgrade(catalogue), asked, stand, past: past.clone() };
        self.0.replays.keep(kept);
        Ok(past)
    }

    /// The month whose calls count, and they, if there are any.
    async fn load_past(
        &self,
        account: AccountId,
        catalogue: &Arc<Catalogue>,
        asked: Month,
    ) -> Result<(Month, Option<Arc<Past>>)> {
        let chats = catalogue.ids_of(Kind::Chat);
        for month in [asked.previous(), asked] {
            let calls = store::spending::list_paid(&self.0.db, account, month, &chats, CALLS_MAX).await?;
            if !calls.is_empty() {
                let past = Arc::new(Past::new(month, calls));
                let (adding, catalogue) = (Arc::clone(&past), Arc::clone(catalogue));
                tokio::task::spawn_blocking(move || adding.add_up(catalogue.on_shelf(Kind::Chat)));
                return Ok((month, Some(past)));
            }
        }
        Ok((asked, None))
    }
}

impl Replays {
    fn find(
        &self,
        account: AccountId,
        catalogue: &Arc<Catalogue>,
        asked: Month,
    ) -> Option<(Option<i64>, Option<Arc<Past>>)> {
        let kept = lock(&self.0);
        let of_now = |kept: &&Kept| {
            kept.account == account
                && kept.asked == asked
                && std::ptr::eq(kept.catalogue.as_ptr(), Arc::as_ptr(catalogue))
        };
        kept.iter().find(of_now).map(|kept| (kept.stand, kept.past.clone()))
    }

    fn keep(&self, new: Kept) {
        let mut kept = lock(&self.0);
        kept.retain(|old| old.account != new.account);
        if kept.len() >= ACCOUNTS_MAX {
            kept.remove(0);
        }
        kept.push(new);
    }
}

impl Past {
    fn new(month: Month, calls: Vec<PastCall>) -> Self {
        Self { month, calls: Mutex::new(Some(Arc::new(calls))), sums: Mutex::default() }
    }

    /// What is not known yet is added up where no other request waits for it.
    async fn sums(self: &Arc<Self>, listings: &[&Listing]) -> Vec<Option<Replay>> {
        let known = |id: &ModelId| lock(&self.sums).get(id).copied();
        let new: Vec<Listing> = listings
            .iter()
            .filter(|listing| known(&listing.model.id).is_none())
            .map(|listing| (*listing).clone())
            .collect();
        if !new.is_empty() {
            let past = Arc::clone(self);
            let adding = tokio::task::spawn_blocking(move || {
                for listing in &new {
                    past.sum(listing);
                }
            });
            // Who fails at it leaves these untold.
            let _ = adding.await;
        }
        listings.iter().map(|listing| known(&listing.model.id).flatten()).collect()
    }

    fn sum(&self, listing: &Listing) -> Option<Replay> {
        if let Some(known) = lock(&self.sums).get(&listing.model.id) {
            return *known;
        }
        let calls = lock(&self.calls).clone()?;
        let sum = replay(listing, &calls);
        lock(&self.sums).insert(listing.model.id.clone(), sum);
        sum
    }

    /// Whoever asks for another model next need not wait for it.
    fn add_up<'a>(&self, listings: impl Iterator<Item = &'a Listing>) {
        for listing in listings {
            self.sum(listing);
        }
        *lock(&self.calls) = None;
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use marketplace::money::Nanos;
    use marketplace::usage::Tokens;
    use uuid::Uuid;

    use super::*;

    fn kept(account: AccountId) -> Kept {
        let asked = Month::of(Utc::now());
        Kept { account, catalogue: Weak::new(), asked, stand: None, past: None }
    }

    #[test]
    fn no_more_months_are_kept_than_fit_and_one_of_an_account() {
        let replays = Replays::default();
        let accounts: Vec<AccountId> = (0..300).map(|_| AccountId(Uuid::now_v7())).collect();
        for account in &accounts {
            replays.keep(kept(*account));
            replays.keep(kept(*account));
        }
        let left: Vec<AccountId> = lock(&replays.0).iter().map(|kept| kept.account).collect();
        assert_eq!(left, accounts[300 - ACCOUNTS_MAX..]);
    }

    #[test]
    fn a_month_is_added_up_once_and_its_calls_are_let_go() {
        let call = PastCall { usage: Tokens { output: 5, ..Tokens::default() }, paid: Nanos(7) };
        let past = Past::new(Month::of(Utc::now()), vec![call; 3]);
        past.add_up(std::iter::empty());
        assert!(lock(&past.calls).is_none());
    }
}
