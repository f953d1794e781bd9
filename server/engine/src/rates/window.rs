//! What one server holds of one minute.

use std::time::{Duration, Instant};

use marketplace::fault::{Code, Fault};
use marketplace::rate::{Left, Limited, Owner, Standing, Unit};
use store::rate::{Limits, Need, Share, Slice};

use super::source::Counter;
use super::{Counted, refused};

/// Slices of somebody's minute. Nothing of them is spent when it is over.
#[derive(Debug)]
pub(super) struct Window {
    counter: Counter,
    owner: Owner,
    owner_name: String,
    minute: i64,
    ends: Instant,
    requests: Allowance,
    tokens: Allowance,
}

/// Of one limit: what is in hand, and what was left in the database when it was last asked. That only shrinks.
#[derive(Debug)]
struct Allowance {
    limit: Option<i64>,
    /// Below zero when calls used more than they were counted as.
    here: i64,
    there: i64,
}

/// What is missing for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    Nothing,
    /// It may be had from the database.
    Slice(Need),
    /// The minute is used up.
    Room(Unit),
    /// No minute has that much.
    Size,
}

impl Window {
    pub fn open(slice: Slice, counter: Counter, asked_at: Instant) -> Self {
        Self {
            counter,
            owner: slice.owner,
            owner_name: slice.owner_name,
            minute: slice.minute,
            ends: ends(slice.millis_left, asked_at),
            requests: Allowance::of(slice.requests),
            tokens: Allowance::of(slice.tokens),
        }
    }

    /// Takes a slice in; one of another minute replaces what is left of the minute before. So does one of another counter,
    /// whose minutes are its own.
    pub fn add(&mut self, slice: Slice, counter: Counter, asked_at: Instant) {
        if counter != self.counter || slice.minute > self.minute {
            *self = Self::open(slice, counter, asked_at);
        } else if slice.minute == self.minute {
            // The clocks of both run alike, so the earlier end is on the safe side.
            self.ends = self.ends.min(ends(slice.millis_left, asked_at));
            self.owner_name = slice.owner_name;
            self.requests.add(slice.requests);
            self.tokens.add(slice.tokens);
        }
    }

    pub fn minute(&self) -> i64 {
        self.minute
    }

    pub fn limits(&self) -> Limits {
        Limits {
            owner: self.owner,
            owner_name: self.owner_name.clone(),
            requests: self.requests.limit,
            tokens: self.tokens.limit,
        }
    }

    pub fn is_over(&self, now: Instant) -> bool {
        now >= self.ends
    }

    /// Whether a look at the database may bring something that is missing for whatever comes next.
    pub fn is_spent(&self, now: Instant) -> bool {
        self.is_over(now) || self.requests.is_spent() || self.tokens.is_spent()
    }

    pub fn lack(&self, counted: Counted, now: Instant) -> Lack {
        if self.is_over(now) {
            return Lack::Slice(counted.whole());
        }
        if self.tokens.limit.is_some_and(|limit| counted.input > limit) {
            return Lack::Size;
        }
        let missing = (self.requests.missing(1), self.tokens.missing(self.tokens(counted)));
        match missing {
            (Some(requests), _) if requests > self.requests.there => Lack::Room(Unit::Requests),
            (_, Some(tokens)) if tokens > self.tokens.there => Lack::Room(Unit::Tokens),
            (None, None) => Lack::Nothing,
            (requests, tokens) => Lack::Slice(Need {
                requests: requests.unwrap_or_default(),
                tokens: tokens.unwrap_or_default(),
            }),
        }
    }

    /// Counts a call that lacks nothing, and says as how many tokens.
    pub fn take(&mut self, counted: Counted) -> i64 {
        let tokens = self.tokens(counted);
        self.requests.take(1);
        self.tokens.take(tokens);
        tokens
    }

    pub fn correct(&mut self, minute: i64, tokens: i64) {
        if minute == self.minute {
            self.tokens.take(-tokens);
        }
    }

    fn tokens(&self, counted: Counted) -> i64 {
        self.tokens.limit.map_or(0, |limit| counted.whole().tokens.min(limit))
    }

    pub fn standing(&self, now: Instant) -> Standing {
        let left = |allowance: &Allowance| {
            allowance.limit.map(|limit| Left {
                limit,
                remaining: (allowance.here + allowance.there).clamp(0, limit),
                resets_in_seconds: seconds_until(self.ends, now),
            })
        };
        Standing { requests: left(&self.requests), tokens: left(&self.tokens) }
    }

    pub fn refusal(&self, unit: Unit, standing: Standing, now: Instant) -> Fault {
        let own = self.standing(now);
        let left = match unit {
            Unit::Requests => own.requests,
            Unit::Tokens => own.tokens,
        };
        let left = left.unwrap_or(Left { limit: 0, remaining: 0, resets_in_seconds: 1 });
        // Headers speak of the limit that refused.
        let standing = match unit {
            Unit::Requests => Standing { requests: Some(left), ..standing },
            Unit::Tokens => Standing { tokens: Some(left), ..standing },
        };
        refused(Limited { owner: self.owner, unit, left }, standing, &self.owner_name)
    }

    /// Waiting does not help against this.
    pub fn too_large(&self, counted: Counted) -> Fault {
        let limit = self.tokens.limit.unwrap_or_default();
        let (whose, advice) = match self.owner {
            Owner::Key => (format!("the key {:?}", self.owner_name), "raise the limit of the key"),
            _ => (format!("the plan {}", self.owner_name), "choose a larger plan"),
        };
        let input = counted.input;
        Fault::new(
            Code::PayloadTooLarge,
            format!(
                "This asks about {input} tokens at once, and {whose} allows {limit} a minute. Shorten it, or {advice}"
            ),
        )
    }
}

impl Allowance {
    fn of(share: Share) -> Self {
        Self { limit: share.limit, here: share.granted, there: share.left }
    }

    fn add(&mut self, share: Share) {
        self.limit = share.limit;
        self.here += share.granted;
        // Answers may overtake each other.
        self.there = self.there.min(share.left);
    }

    fn is_spent(&self) -> bool {
        self.limit.is_some() && self.here < 1 && self.there > 0
    }

    /// How much of what is wanted is not in hand.
    fn missing(&self, wanted: i64) -> Option<i64> {
        self.limit?;
        Some(wanted - self.here).filter(|missing| *missing > 0)
    }

    fn take(&mut self, amount: i64) {
        if self.limit.is_some() {
            self.here -= amount;
        }
    }
}

fn ends(millis_left: i64, asked_at: Instant) -> Instant {
    asked_at + Duration::from_millis(u64::try_from(millis_left).unwrap_or_default())
}

fn seconds_until(end: Instant, now: Instant) -> u64 {
    end.saturating_duration_since(now).as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const DATABASE: Counter = Counter::Database;

    fn share(limit: i64, granted: i64, left: i64) -> Share {
        Share { limit: Some(limit), granted, left }
    }

    fn slice(minute: i64, requests: Share, tokens: Share) -> Slice {
        let owner_name = "Free".to_owned();
        Slice { owner: Owner::Plan, owner_name, requests, tokens, minute, millis_left: 10_000 }
    }

    fn call(input: i64, output: i64) -> Counted {
        Counted { input, output }
    }

    #[test]
    fn a_slice_is_spent_and_then_asked_for_or_refused() {
        let now = Instant::now();
        let mut window = Window::open(slice(7, share(20, 1, 19), share(1_000, 100, 900)), DATABASE, now);
        assert_eq!(window.lack(call(10, 10), now), Lack::Nothing);
        assert_eq!(window.take(call(10, 10)), 20);
        assert_eq!(window.lack(call(10, 10), now), Lack::Slice(Need { requests: 1, tokens: 0 }));
        assert!(window.is_spent(now));
        window.add(slice(7, share(20, 2, 0), share(1_000, 0, 900)), DATABASE, now);
        assert_eq!(window.lack(call(50, 100), now), Lack::Slice(Need { requests: 0, tokens: 70 }));
        assert_eq!(window.lack(call(900, 500), now), Lack::Room(Unit::Tokens));
        window.take(call(0, 0));
        window.take(call(0, 0));
        assert_eq!(window.lack(call(0, 0), now), Lack::Room(Unit::Requests));
        // There is no more to be had, so nobody asks for it.
        assert!(!window.is_spent(now));
    }

    #[test]
    fn what_is_left_of_a_minute_is_worth_nothing_in_the_next() {
        let now = Instant::now();
        let mut window = Window::open(slice(7, share(20, 20, 0), share(1_000, 1_000, 0)), DATABASE, now);
        let later = now + 10 * SECOND;
        assert_eq!(window.lack(call(1, 1), later), Lack::Slice(Need { requests: 1, tokens: 2 }));
        window.add(slice(8, share(20, 3, 17), share(1_000, 5, 995)), DATABASE, later);
        assert_eq!(window.standing(later).requests.map(|left| left.remaining), Some(20));
        window.take(call(0, 0));
        window.take(call(0, 0));
        window.take(call(0, 0));
        assert_eq!(window.lack(call(0, 0), later), Lack::Slice(Need { requests: 1, tokens: 0 }));
        // An answer that comes late belongs to a minute that is over.
        window.add(slice(7, share(20, 9, 0), share(1_000, 9, 0)), DATABASE, later);
        assert_eq!(window.lack(call(0, 0), later), Lack::Slice(Need { requests: 1, tokens: 0 }));
    }

    #[test]
    fn what_is_left_at_one_counter_is_worth_nothing_at_the_other() {
        let now = Instant::now();
        let mut window =
            Window::open(slice(7, share(20, 3, 0), share(1_000, 1_000, 0)), Counter::Valkey, now);
        // Even when its clock is behind.
        window.add(slice(6, share(20, 1, 19), share(1_000, 10, 990)), DATABASE, now);
        assert_eq!(window.standing(now).requests.map(|left| left.remaining), Some(20));
        window.take(call(0, 0));
        assert_eq!(window.lack(call(0, 0), now), Lack::Slice(Need { requests: 1, tokens: 0 }));
    }

    #[test]
    fn tokens_not_used_come_back_and_tokens_used_beyond_are_owed() {
        let now = Instant::now();
        let mut window = Window::open(slice(7, share(20, 20, 0), share(1_000, 1_000, 0)), DATABASE, now);
        // No more is counted of an answer than a minute has room for.
        assert_eq!(window.take(call(400, 5_000)), 1_000);
        assert_eq!(window.lack(call(1, 0), now), Lack::Room(Unit::Tokens));
        window.correct(7, 1_000 - 450);
        assert_eq!(window.lack(call(500, 50), now), Lack::Nothing);
        assert_eq!(window.lack(call(551, 0), now), Lack::Room(Unit::Tokens));
        window.correct(7, -600);
        assert_eq!(window.standing(now).tokens.map(|left| left.remaining), Some(0));
        window.correct(6, 1_000);
        assert_eq!(window.lack(call(1, 0), now), Lack::Room(Unit::Tokens));
        assert_eq!(window.lack(call(1_001, 0), now), Lack::Size);
    }

    #[test]
    fn without_a_limit_nothing_is_counted() {
        let now = Instant::now();
        let none = Share { limit: None, granted: 0, left: 0 };
        let mut window = Window::open(slice(7, none, share(100, 100, 0)), DATABASE, now);
        for _ in 0..5 {
            assert_eq!(window.lack(call(20, 0), now), Lack::Nothing);
            window.take(call(20, 0));
        }
        assert_eq!(window.lack(call(1, 0), now), Lack::Room(Unit::Tokens));
        assert_eq!(window.standing(now).requests, None);
    }
}
