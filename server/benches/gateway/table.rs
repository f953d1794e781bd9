//! The figures side by side: the direct call's, the gateway's, what it adds, and what was wanted.

use std::fmt;
use std::fs;
use std::time::Duration;

#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<[String; 6]>,
}

const HEAD: [&str; 6] = ["what", "direct", "gateway", "added", "wanted", "load"];

impl Table {
    /// Adds a line and shows it at once: some take minutes.
    pub fn add(&mut self, what: &str, direct: String, gateway: String, added: String, wanted: &str) {
        eprintln!("{what}: {gateway} beside {direct}, {added} (wanted: {wanted})");
        self.rows.push([what.to_owned(), direct, gateway, added, wanted.to_owned(), load_average()]);
    }

    /// What is added to a time.
    pub fn add_times(&mut self, what: &str, direct: Duration, gateway: Duration, wanted: &str) {
        let added = match gateway.checked_sub(direct) {
            Some(more) => format!("+{}", time(more)),
            None => format!("-{}", time(direct.saturating_sub(gateway))),
        };
        self.add(what, time(direct), time(gateway), added, wanted);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = HEAD.map(str::to_owned);
        let all = || std::iter::once(&head).chain(&self.rows);
        let width = |at: usize| all().map(|row| row[at].chars().count()).max().unwrap_or_default();
        for (place, row) in all().enumerate() {
            for (at, cell) in row.iter().enumerate() {
                write!(f, "| {cell:0$} ", width(at))?;
            }
            writeln!(f, "|")?;
            if place == 0 {
                (0..HEAD.len()).try_for_each(|at| write!(f, "|{:-<1$}", "", width(at) + 2))?;
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

/// Milliseconds with three places.
pub fn time(of: Duration) -> String {
    format!("{}.{:03} ms", of.as_millis(), of.subsec_micros() % 1_000)
}

/// So many a second.
pub fn rate(done: usize, time: Duration) -> String {
    format!("{}/s", done as u128 * 1_000_000 / time.as_micros().max(1))
}

/// How many programs wanted to run in the last minute, our own included.
fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("–").to_owned()
}
