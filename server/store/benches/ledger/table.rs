//! The figures side by side: ours, the bare machine's, their ratio, and what was wanted.

use std::fmt;
use std::fs;
use std::time::Duration;

use crate::load::Load;

#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<[String; 7]>,
}

const HEAD: [&str; 7] = ["goal", "what", "ours", "raw", "ratio", "floor / target", "load"];

impl Table {
    /// Adds a line and shows it at once: some take minutes.
    pub fn add(&mut self, goal: &str, what: &str, ours: String, raw: String, ratio: String, wanted: &str) {
        eprintln!("{goal:>4}  {what}: {ours} against {raw}, {ratio}");
        let row = [goal.to_owned(), what.to_owned(), ours, raw, ratio, wanted.to_owned(), load_average()];
        self.rows.push(row);
    }

    pub fn add_rates(&mut self, goal: &str, what: &str, ours: u64, raw: u64, wanted: &str) {
        self.add(goal, what, rate(ours), rate(raw), ratio(ours, raw), wanted);
    }

    pub fn add_latencies(&mut self, goal: &str, what: &str, ours: &Load, raw: &Load, wanted: &str) {
        let pair = |load: &Load| format!("{} · {}", time(load.percentile(50)), time(load.percentile(99)));
        let ratio = ratio(micros(ours.percentile(50)), micros(raw.percentile(50)));
        self.add(goal, what, pair(ours), pair(raw), ratio, wanted);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = HEAD.map(str::to_owned);
        let all = || std::iter::once(&head).chain(&self.rows);
        let widths: Vec<usize> = (0..HEAD.len())
            .map(|at| all().map(|row| row[at].chars().count()).max().unwrap_or_default())
            .collect();
        for (place, row) in all().enumerate() {
            for (cell, width) in row.iter().zip(&widths) {
                write!(f, "| {cell:width$} ")?;
            }
            writeln!(f, "|")?;
            if place == 0 {
                for width in &widths {
                    write!(f, "|{:-<1$}", "", width + 2)?;
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

pub fn rate(per_second: u64) -> String {
    format!("{per_second}/s")
}

pub fn time(of: Duration) -> String {
    let micros = micros(of);
    match micros {
        0..10_000 => format!("{}.{:02} ms", micros / 1_000, micros % 1_000 / 10),
        10_000..1_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}

/// The quotient with two places.
pub fn ratio(ours: u64, raw: u64) -> String {
    match (ours * 100).checked_div(raw) {
        Some(hundredths) => format!("{}.{:02}", hundredths / 100, hundredths % 100),
        None => "–".to_owned(),
    }
}

pub fn micros(of: Duration) -> u64 {
    u64::try_from(of.as_micros()).unwrap_or(u64::MAX)
}

/// How many programs wanted to run in the last minute, our own included.
fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("–").to_owned()
}
