//! One line a step: its name, signs of life, how it went and how long it took.

use std::fmt;
use std::io::{self, Write as _};
use std::ops::AddAssign;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::log::Log;

/// Those who watch a silent log take it for dead.
const HEARTBEAT: Duration = Duration::from_secs(30);
const TAIL_LINES: usize = 80;

/// What was counted: every single test, and every other check as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
}

impl Tally {
    pub const PASSED: Self = Self { passed: 1, failed: 0 };
    pub const FAILED: Self = Self { passed: 0, failed: 1 };
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// Runs a step to its end; on failure shows the end of its log.
pub fn run_step(title: &str, log: &Log, step: impl FnOnce() -> Result<Tally>) -> Tally {
    show(&format!("{title} … "));
    let began = Instant::now();
    let outcome = with_heartbeat(began, step);
    let seconds = began.elapsed().as_secs_f64();
    let tally = outcome.as_ref().map_or(Tally::FAILED, |tally| *tally);
    if tally.failed == 0 {
        println!("{tally} ({seconds:.1} s)");
        return tally;
    }
    println!("FAILED: {tally} ({seconds:.1} s)");
    let text = log.text();
    let lines: Vec<&str> = text.lines().collect();
    for line in &lines[lines.len().saturating_sub(TAIL_LINES)..] {
        println!("    {line}");
    }
    if let Err(error) = outcome {
        println!("    error: {error:#}");
    }
    tally
}

fn with_heartbeat<T>(began: Instant, step: impl FnOnce() -> T) -> T {
    let (done, is_done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            while is_done.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
                show(&format!("\n    after {} s … ", began.elapsed().as_secs()));
            }
        });
        let outcome = step();
        drop(done);
        outcome
    })
}

fn show(text: &str) {
    print!("{text}");
    // Without it the line would appear only once the step is over.
    let _ = io::stdout().flush();
}
