//! How often somebody else may be asked for a vendor that failed: a tenth of its calls in a minute, and a few in any case.
//!
//! Without a bound one vendor's outage would become twice the load on all others.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use marketplace::id::ProviderId;

const WINDOW: Duration = Duration::from_secs(60);
/// Of so many calls one.
const SHARE: u64 = 10;
/// Where there are few calls, a tenth of them is nothing.
const IN_ANY_CASE: u64 = 20;

#[derive(Debug, Default)]
pub(crate) struct Retries(Mutex<HashMap<ProviderId, Minute>>);

#[derive(Clone, Copy, Debug)]
struct Minute {
    since: Instant,
    asked: u64,
    again: u64,
}

impl Retries {
    fn lock(&self) -> MutexGuard<'_, HashMap<ProviderId, Minute>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn note_asked(&self, provider: &ProviderId, now: Instant) {
        let mut minutes = self.lock();
        match minutes.get_mut(provider) {
            Some(minute) => minute.at(now).asked += 1,
            None => {
                minutes.insert(provider.clone(), Minute { since: now, asked: 1, again: 0 });
            }
        }
    }

    /// Whether somebody else may be asked now for this vendor; if so it is counted.
    pub fn allow(&self, failed: &ProviderId, now: Instant) -> bool {
        let mut minutes = self.lock();
        let Some(minute) = minutes.get_mut(failed).map(|minute| minute.at(now)) else { return false };
        let allows = minute.again < IN_ANY_CASE || minute.again * SHARE < minute.asked;
        minute.again += u64::from(allows);
        allows
    }
}

impl Minute {
    fn at(&mut self, now: Instant) -> &mut Self {
        if now.duration_since(self.since) >= WINDOW {
            *self = Self { since: now, asked: 0, again: 0 };
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_many_calls_is_asked_again_and_a_few_in_any_case() {
        let (retries, groq, now) = (Retries::default(), ProviderId("groq".to_owned()), Instant::now());
        assert!(!retries.allow(&groq, now), "who was never asked has not failed");
        let allowed = |calls: u64, now: Instant| {
            (0..calls)
                .filter(|_| {
                    retries.note_asked(&groq, now);
                    retries.allow(&groq, now)
                })
                .count()
        };
        assert_eq!(allowed(100, now), 20);
        assert_eq!(allowed(900, now), 80, "a tenth of a thousand in all");
        assert_eq!(allowed(5, now + WINDOW), 5, "the next minute begins anew");
    }
}
