//! Slows down guessing: ten wrong passwords for one address, then a pause. Nobody is ever locked out for good.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use marketplace::account::Email;
use marketplace::fault::{Code, Fault};

const TRIES: u32 = 10;
const WINDOW: Duration = Duration::from_secs(15 * 60);
const ADDRESSES_MAX: usize = 100_000;

#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<String, (u32, Instant)>>);

impl Throttle {
    pub fn admit(&self, email: &Email) -> Result<(), Fault> {
        let Ok(failures) = self.0.lock() else { return Ok(()) };
        match failures.get(email.as_str()) {
            Some((count, since)) if *count >= TRIES && since.elapsed() < WINDOW => {
                let wait = (WINDOW - since.elapsed()).as_secs() + 1;
                let message =
                    "Too many wrong passwords for this address; wait a quarter of an hour and try again";
                Err(Fault { retry_after_seconds: Some(wait), ..Fault::new(Code::RateLimitExceeded, message) })
            }
            _ => Ok(()),
        }
    }

    pub fn count_failure(&self, email: &Email) {
        let Ok(mut failures) = self.0.lock() else { return };
        if failures.len() >= ADDRESSES_MAX {
            failures.retain(|_, (_, since)| since.elapsed() < WINDOW);
        }
        let entry = failures.entry(email.as_str().to_owned()).or_insert((0, Instant::now()));
        if entry.1.elapsed() >= WINDOW {
            *entry = (0, Instant::now());
        }
        entry.0 += 1;
    }

    pub fn forget(&self, email: &Email) {
        if let Ok(mut failures) = self.0.lock() {
            failures.remove(email.as_str());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_guess_waits_and_other_addresses_do_not() {
        let (throttle, email) = (Throttle::default(), Email::parse("ada@example.org").unwrap());
        for _ in 0..TRIES {
            throttle.admit(&email).unwrap();
            throttle.count_failure(&email);
        }
        assert_eq!(throttle.admit(&email).unwrap_err().code, Code::RateLimitExceeded);
        assert!(throttle.admit(&Email::parse("bob@example.org").unwrap()).is_ok());
        throttle.forget(&email);
        assert!(throttle.admit(&email).is_ok());
    }
}
