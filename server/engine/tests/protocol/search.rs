//! Breadth first through every reachable state, so the first violation found has the shortest way to it.

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

use crate::laws::{broken, broken_at_rest};
use crate::state::{State, Step};
use crate::world::World;

#[derive(Debug)]
pub struct Explored {
    pub states: usize,
    pub rests: usize,
    pub violation: Option<Violation>,
}

/// A law and the shortest way to break it.
#[derive(Debug)]
pub struct Violation {
    pub law: &'static str,
    pub steps: Vec<Step>,
}

/// Where a state was first come from.
struct Origin {
    state: State,
    before: usize,
    step: Option<Step>,
}

/// Takes every step from every reachable state, or stops at the first that leads to a broken law.
pub fn explore(world: &World, mut visit: impl FnMut(&State)) -> Explored {
    let start = State::new(world);
    let mut seen: HashSet<State, BuildHasherDefault<Mixer>> = HashSet::from_iter([start]);
    let mut found = vec![Origin { state: start, before: 0, step: None }];
    let (mut at, mut rests) = (0, 0);
    let mut violation = None;
    while at < found.len() && violation.is_none() {
        let state = found[at].state;
        let steps = state.steps(world);
        if steps.is_empty() {
            rests += 1;
            violation = broken_at_rest(&state).map(|law| Violation { law, steps: way_to(&found, at) });
        }
        for step in steps {
            let next = state.after(world, step);
            visit(&next);
            if let Some(law) = broken(&next, world) {
                let steps = way_to(&found, at).into_iter().chain([step]).collect();
                violation = Some(Violation { law, steps });
                break;
            }
            let next = next.condensed();
            if seen.insert(next) {
                found.push(Origin { state: next, before: at, step: Some(step) });
            }
        }
        at += 1;
    }
    Explored { states: seen.len(), rests, violation }
}

fn way_to(found: &[Origin], mut at: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    while let Some(step) = found[at].step {
        steps.push(step);
        at = found[at].before;
    }
    steps.reverse();
    steps
}

/// Quicker than the standard hasher without optimisation, where hashing takes half of the time.
#[derive(Default)]
struct Mixer(u64);

impl Mixer {
    fn mix(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.mix(u64::from(*byte)));
    }

    fn write_u8(&mut self, value: u8) {
        self.mix(u64::from(value));
    }

    fn write_isize(&mut self, value: isize) {
        self.mix(value.cast_unsigned() as u64);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "broken after {} steps: {}", self.steps.len(), self.law)?;
        self.steps.iter().enumerate().try_for_each(|(at, step)| writeln!(f, "  {}. {step:?}", at + 1))
    }
}
