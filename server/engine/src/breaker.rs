//! A breaker for each vendor and model: who fails again and again is passed over for a while, then tried once.
//!
//! The rule is pure and is told the time. Nothing here is money: it is a hint of this server to its own router.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use marketplace::id::{ModelId, ProviderId};

/// What is looked at: the calls of so long ago at most.
const WINDOW: Duration = Duration::from_secs(30);
/// Fewer calls in the window say nothing.
const CALLS_LEAST: usize = 20;
/// How long it stays open before one call is let through, and how long that one may take to be heard of.
const PATIENCE: Duration = Duration::from_secs(15);
/// Of the calls in the window; more of them change little and would only take memory.
const CALLS_KEPT: usize = 1_000;

/// What came of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    Answer,
    /// The vendor failed. What was wrong with the request is no failure.
    Failure,
    /// Nobody waited for it, or it says nothing of the vendor.
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Closed,
    /// One call is let through to see.
    HalfOpen,
    Open,
}

#[derive(Debug, Default)]
pub(crate) struct Breaker {
    /// When calls ended, and whether they failed.
    calls: VecDeque<(Instant, bool)>,
    failed: usize,
    /// When it opened, or was last tried.
    open: Option<Open>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    since: Instant,
    is_tried: bool,
}

impl Breaker {
    pub fn state(&self, now: Instant) -> State {
        match self.open {
            None => State::Closed,
            Some(open) if open.is_tried || now.duration_since(open.since) >= PATIENCE => State::HalfOpen,
            Some(_) => State::Open,
        }
    }

    /// Whether a call may go through now.
    pub fn admits(&self, now: Instant) -> bool {
        self.open.is_none_or(|open| now.duration_since(open.since) >= PATIENCE)
    }

    /// A call goes through. Of an open one it is the trial, and no other is let through until it is heard of or too late.
    pub fn take_up(&mut self, now: Instant) {
        if self.admits(now)
            && let Some(open) = &mut self.open
        {
            *open = Open { since: now, is_tried: true };
        }
    }

    pub fn learn(&mut self, came: Came, now: Instant) {
        match (came, &mut self.open) {
            (Came::Nothing, Some(open)) if open.is_tried => {
                // The next one may try at once.
                let long_ago = now.checked_sub(PATIENCE).unwrap_or(open.since);
                *open = Open { since: long_ago, is_tried: false };
            }
            (Came::Nothing, _) => {}
            (Came::Answer, Some(open)) if open.is_tried => *self = Self::default(),
            (Came::Failure, Some(open)) if open.is_tried => *open = Open { since: now, is_tried: false },
            // Calls that began before it opened tell nothing new.
            (_, Some(_)) => {}
            (came, None) => self.count(came == Came::Failure, now),
        }
    }

    fn count(&mut self, has_failed: bool, now: Instant) {
        self.calls.push_back((now, has_failed));
        self.failed += usize::from(has_failed);
        let is_old = |(at, _): &(Instant, bool)| now.duration_since(*at) > WINDOW;
        while self.calls.len() > CALLS_KEPT || self.calls.front().is_some_and(is_old) {
            let gone = self.calls.pop_front();
            self.failed -= usize::from(gone.is_some_and(|(_, failed)| failed));
        }
        if self.calls.len() >= CALLS_LEAST && self.failed * 2 >= self.calls.len() {
            self.calls.clear();
            self.failed = 0;
            self.open = Some(Open { since: now, is_tried: false });
        }
    }
}

/// The breakers of this server. What was never asked has none, and is taken for well.
#[derive(Debug, Default)]
pub(crate) struct Breakers(Mutex<HashMap<Key, Breaker>>);

type Key = (ProviderId, ModelId);

impl Breakers {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Breaker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Chooses with what is known now, and begins a call to the one that is chosen, so that a trial is made once.
    pub fn choose<T>(
        &self,
        now: Instant,
        choose: impl FnOnce(&dyn Fn(&ProviderId, &ModelId) -> bool) -> (T, Option<Key>),
    ) -> T {
        let mut breakers = self.lock();
        let (chosen, key) = choose(&|provider, model| {
            breakers.get(&(provider.clone(), model.clone())).is_none_or(|breaker| breaker.admits(now))
        });
        if let Some(breaker) = key.and_then(|key| breakers.get_mut(&key)) {
            breaker.take_up(now);
        }
        chosen
    }

    /// Begins a call to this one, if it may be asked.
    pub fn try_begin(&self, provider: &ProviderId, model: &ModelId, now: Instant) -> bool {
        let mut breakers = self.lock();
        let Some(breaker) = breakers.get_mut(&(provider.clone(), model.clone())) else { return true };
        let admits = breaker.admits(now);
        if admits {
            breaker.take_up(now);
        }
        admits
    }

    pub fn learn(&self, provider: &ProviderId, model: &ModelId, came: Came, now: Instant) {
        if came == Came::Nothing && !self.lock().contains_key(&(provider.clone(), model.clone())) {
            return;
        }
        self.lock().entry((provider.clone(), model.clone())).or_default().learn(came, now);
    }

    /// Every breaker that has heard of a call, and how it stands.
    pub fn states(&self, now: Instant) -> Vec<(ProviderId, ModelId, State)> {
        let mut states: Vec<_> = self
            .lock()
            .iter()
            .map(|((provider, model), breaker)| (provider.clone(), model.clone(), breaker.state(now)))
            .collect();
        states.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        states
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// One that has just opened.
    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..CALLS_LEAST {
            breaker.learn(Came::Failure, now);
        }
        assert_eq!(breaker.state(now), State::Open);
        breaker
    }

    #[test]
    fn half_of_twenty_failures_open_it_and_fewer_do_not() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for call in 0..19 {
            breaker.learn(if call % 2 == 0 { Came::Failure } else { Came::Answer }, now);
            assert!(breaker.admits(now), "it opened after {call} calls");
        }
        breaker.learn(Came::Answer, now);
        assert_eq!(breaker.state(now), State::Open);
        let mut well = Breaker::default();
        for call in 0..100 {
            well.learn(if call % 5 == 0 { Came::Failure } else { Came::Answer }, now);
            well.learn(Came::Nothing, now);
        }
        assert_eq!(well.state(now), State::Closed);
    }

    #[test]
    fn what_is_long_ago_is_forgotten() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for call in 0..100 {
            breaker.learn(Came::Failure, now + seconds(2 * call));
        }
        assert!(breaker.admits(now + seconds(200)), "sixteen failures in half a minute are too few to say");
    }

    #[test]
    fn after_a_while_one_call_is_let_through_and_decides() {
        let now = Instant::now();
        let mut breaker = opened(now);
        assert!(!breaker.admits(now + seconds(14)));
        let later = now + seconds(15);
        assert!(breaker.admits(later) && breaker.state(later) == State::HalfOpen);
        breaker.take_up(later);
        assert!(!breaker.admits(later), "a second call was let through");
        breaker.learn(Came::Failure, later);
        assert_eq!(breaker.state(later), State::Open);
        let again = later + seconds(15);
        breaker.take_up(again);
        breaker.learn(Came::Answer, again);
        assert_eq!(breaker.state(again), State::Closed);
    }

    #[test]
    fn a_trial_that_is_never_heard_of_does_not_keep_it_open_for_ever() {
        let now = Instant::now() + seconds(60);
        let mut breaker = opened(now);
        breaker.take_up(now + seconds(15));
        assert!(!breaker.admits(now + seconds(29)));
        assert!(breaker.admits(now + seconds(30)));
        breaker.take_up(now + seconds(30));
        breaker.learn(Came::Nothing, now + seconds(31));
        assert!(breaker.admits(now + seconds(31)), "whoever left says nothing of the vendor");
    }

    #[test]
    fn a_trial_is_given_to_one_of_two_who_choose() {
        let (breakers, now) = (Breakers::default(), Instant::now());
        let (provider, model) = (ProviderId("groq".to_owned()), ModelId::parse("a/b").unwrap());
        for _ in 0..CALLS_LEAST {
            breakers.learn(&provider, &model, Came::Failure, now);
        }
        let later = now + PATIENCE;
        let choose = || {
            let key = (provider.clone(), model.clone());
            breakers.choose(later, |admits| (admits(&provider, &model), Some(key)))
        };
        assert_eq!((choose(), choose()), (true, false));
        assert!(!breakers.try_begin(&provider, &model, later));
        assert_eq!(breakers.states(later), [(provider, model, State::HalfOpen)]);
    }

    #[test]
    fn it_stays_closed_as_long_as_most_calls_are_answered() {
        for _ in 0..200 {
            let (mut breaker, mut now) = (Breaker::default(), Instant::now());
            for _ in 0..400 {
                now += Duration::from_millis(rand::random_range(0..3_000));
                breaker.learn(Came::Answer, now);
                if rand::random() {
                    breaker.learn(Came::Answer, now);
                    breaker.learn(Came::Failure, now);
                }
                assert!(breaker.admits(now));
                let failed = breaker.calls.iter().filter(|(_, failed)| *failed).count();
                assert_eq!(breaker.failed, failed);
            }
        }
    }
}
