//! What happened on this server since it began, counted for whoever watches it run.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use chrono::NaiveDate;
use marketplace::fault::Fault;

use crate::reconciliation::Overdue;

/// Things that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    /// A call was refused because balance or limit did not cover it.
    RefusedForMoney,
    /// A capture had to be written again.
    CaptureRetried,
    /// A hold was closed because its server was gone.
    HoldReaped,
    /// A payment event was not acted on.
    WebhookRefused,
    /// An event of the test gateway did not arrive.
    WebhookUndelivered,
    PasswordRefused,
    KeyRefused,
    /// A session was over, or never was.
    SessionRefused,
    /// A second provider was asked, for the first had failed.
    FailedOver,
}

impl Happened {
    const KINDS: usize = 9;
}

#[derive(Debug)]
pub(crate) struct Watch {
    since: Instant,
    counts: [AtomicU64; Happened::KINDS],
    provider_failures: Mutex<BTreeMap<String, u64>>,
    /// Refusals by a limit a minute, by whose it is and what it counts.
    limited: Mutex<BTreeMap<[&'static str; 2], u64>>,
    reports: Mutex<Reports>,
}

#[derive(Debug, Default)]
struct Reports {
    overdue: Option<Overdue>,
    cried_on: Option<NaiveDate>,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            counts: Default::default(),
            provider_failures: Mutex::default(),
            limited: Mutex::default(),
            reports: Mutex::default(),
        }
    }
}

impl Watch {
    pub fn note(&self, what: Happened) {
        self.note_many(what, 1);
    }

    pub fn note_many(&self, what: Happened, times: u64) {
        self.counts[what as usize].fetch_add(times, Relaxed);
    }

    pub fn count(&self, what: Happened) -> i64 {
        self.counts[what as usize].load(Relaxed).cast_signed()
    }

    pub fn note_provider_failure(&self, provider: &str) {
        let mut failures = self.provider_failures.lock().unwrap_or_else(PoisonError::into_inner);
        *failures.entry(provider.to_owned()).or_default() += 1;
    }

    pub fn provider_failures(&self) -> Vec<(String, i64)> {
        let failures = self.provider_failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.iter().map(|(provider, count)| (provider.clone(), count.cast_signed())).collect()
    }

    /// Counts a refusal, if a limit a minute is what refused.
    pub fn note_limited(&self, fault: &Fault) {
        let Some(limited) = &fault.limited else { return };
        let kind = [limited.owner.as_str(), limited.unit.as_str()];
        *self.limited.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default() += 1;
    }

    pub fn limited(&self) -> Vec<([&'static str; 2], i64)> {
        let limited = self.limited.lock().unwrap_or_else(PoisonError::into_inner);
        limited.iter().map(|(kind, count)| (*kind, count.cast_signed())).collect()
    }

    /// Keeps what was found; true when there is something and nobody was told of it on this day.
    pub fn note_overdue(&self, overdue: Overdue, today: NaiveDate) -> bool {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports.overdue = Some(overdue);
        overdue != Overdue::default() && reports.cried_on.replace(today) != Some(today)
    }

    /// `None` until it was looked for.
    pub fn overdue(&self) -> Option<Overdue> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).overdue
    }

    pub fn uptime_seconds(&self) -> i64 {
        i64::try_from(self.since.elapsed().as_secs()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_counted_apart() {
        let watch = Watch::default();
        watch.note(Happened::SessionRefused);
        watch.note_many(Happened::HoldReaped, 3);
        watch.note_provider_failure("openai");
        watch.note_provider_failure("openai");
        assert_eq!((watch.count(Happened::SessionRefused), watch.count(Happened::HoldReaped)), (1, 3));
        assert_eq!(watch.count(Happened::RefusedForMoney), 0);
        assert_eq!(watch.provider_failures(), [("openai".to_owned(), 2)]);
    }

    #[test]
    fn missing_reports_are_cried_out_once_a_day() {
        let (watch, day) = (Watch::default(), |text: &str| text.parse::<NaiveDate>().unwrap());
        assert_eq!(watch.overdue(), None);
        assert!(!watch.note_overdue(Overdue::default(), day("2026-11-24")), "nothing is no news");
        let overdue = Overdue { missing: 1, differing: 0 };
        assert!(watch.note_overdue(overdue, day("2026-11-24")));
        assert!(!watch.note_overdue(overdue, day("2026-11-24")));
        assert!(watch.note_overdue(overdue, day("2026-11-25")));
        assert_eq!(watch.overdue(), Some(overdue));
    }
}
