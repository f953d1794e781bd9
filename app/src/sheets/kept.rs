//! What was drawn a moment ago, for all who ask the same of the same things.

use std::sync::{Arc, Mutex, PoisonError};

use engine::Listings;
use marketplace::health::HealthReport;

use crate::context::Caller;

/// So many are kept at once, and then all are let go: most ask one of a few things.
const ASKED_MAX: usize = 16;
const ASKED_BYTES_MAX: usize = 400;

/// The models as they are now, and what was measured of them. Others take their place when anything changes.
#[derive(Clone, Debug)]
pub struct Things {
    listings: Listings,
    report: Option<Arc<HealthReport>>,
}

impl Things {
    pub fn now(caller: &Caller, report: Option<Arc<HealthReport>>) -> Self {
        Self { listings: caller.engine.listings(&caller.actor), report }
    }
}

impl PartialEq for Things {
    fn eq(&self, other: &Self) -> bool {
        let is_same_report = match (&self.report, &other.report) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        is_same_report && self.listings.is(&other.listings)
    }
}

/// Drawings `T`, made of things `K`.
pub struct Kept<T, K = Things>(Mutex<Option<Shelf<T, K>>>);

struct Shelf<T, K> {
    made_of: K,
    drawn: Vec<(String, T)>,
}

impl<T: Clone, K: PartialEq> Kept<T, K> {
    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// What was drawn of the same things for the same question, or else what is drawn now.
    pub fn get(&self, made_of: K, asked: &str, draw: impl FnOnce() -> T) -> T {
        if let Some(found) = self.find(&made_of, asked) {
            return found;
        }
        let drawn = draw();
        if asked.len() <= ASKED_BYTES_MAX {
            self.keep(made_of, asked, drawn.clone());
        }
        drawn
    }

    fn find(&self, made_of: &K, asked: &str) -> Option<T> {
        let shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let drawn = &shelf.as_ref().filter(|shelf| shelf.made_of == *made_of)?.drawn;
        drawn.iter().find(|(of, _)| of == asked).map(|(_, drawn)| drawn.clone())
    }

    fn keep(&self, made_of: K, asked: &str, drawn: T) {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_these = shelf.take().filter(|shelf| shelf.made_of == made_of && shelf.drawn.len() < ASKED_MAX);
        let shelf = shelf.insert(of_these.unwrap_or(Shelf { made_of, drawn: Vec::new() }));
        shelf.drawn.push((asked.to_owned(), drawn));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_is_drawn_once_until_things_change() {
        let kept = Kept::<u32, &str>::new();
        assert_eq!(kept.get("yesterday", "a", || 1), 1);
        assert_eq!(kept.get("yesterday", "a", || 2), 1);
        assert_eq!(kept.get("yesterday", "b", || 3), 3);
        assert_eq!(kept.get("today", "a", || 4), 4);
        assert_eq!(kept.get("today", "b", || 5), 5);
    }

    #[test]
    fn no_more_is_kept_than_fits() {
        let kept = Kept::<String, ()>::new();
        for number in 0..100 {
            kept.get((), &number.to_string(), || number.to_string());
        }
        kept.get((), &"long".repeat(101), String::new);
        let shelf = kept.0.lock().unwrap();
        let kept = &shelf.as_ref().unwrap().drawn;
        assert!(kept.len() <= ASKED_MAX && kept.iter().all(|(asked, drawn)| asked == drawn), "{kept:?}");
    }
}
