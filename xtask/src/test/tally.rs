//! Reads how many tests passed and failed from what the runners print at the end.

use crate::progress::Tally;

/// Counts what the runner reported. A runner that ended badly, or reported nothing, counts as
/// one failure even if it names none.
pub fn read(text: &str, is_success: bool) -> Tally {
    let mut tally = Tally::default();
    for line in text.lines() {
        tally += from_line(line.trim());
    }
    let is_silent = tally == Tally::default();
    if tally.failed == 0 && (!is_success || is_silent) {
        tally.failed = 1;
    }
    tally
}

fn from_line(line: &str) -> Tally {
    if let Some(numbers) = line.strip_prefix("test result:") {
        // cargo test: "test result: ok. 3 passed; 0 failed; 0 ignored; …"
        return numbered(numbers, &["failed"]);
    }
    if let Some((_, numbers)) = line.split_once(" tests run: ").or_else(|| line.split_once(" test run: ")) {
        // cargo nextest: "Summary [0.1s] 4 tests run: 2 passed (1 slow), 1 failed, 1 timed out, 3 skipped"
        return numbered(numbers, &["failed", "exec", "timed"]);
    }
    if is_bare_count(line) {
        // Playwright: "12 passed (3.4s)", "1 failed". The Python client: "3 passed, 0 failed".
        return numbered(line, &["failed", "flaky", "interrupted", "did"]);
    }
    Tally::default()
}

/// A line of counts alone; a line that merely begins with one is some test's own output.
fn is_bare_count(line: &str) -> bool {
    line.split(", ").all(|part| {
        let mut words = part.split_whitespace();
        let is_number = words.next().is_some_and(|word| word.parse::<u64>().is_ok());
        let is_outcome = words
            .next()
            .is_some_and(|word| matches!(word, "passed" | "failed" | "flaky" | "interrupted" | "did"));
        let rest: Vec<&str> = words.collect();
        let is_end =
            rest.is_empty() || rest == ["not", "run"] || rest.iter().all(|word| word.contains(['(', ')']));
        is_number && is_outcome && is_end
    })
}

/// Adds up the numbers that stand before "passed", and those before a word of failure.
fn numbered(text: &str, failures: &[&str]) -> Tally {
    let words: Vec<&str> = text.split([' ', ',', ';']).filter(|word| !word.is_empty()).collect();
    let mut tally = Tally::default();
    for pair in words.windows(2) {
        let Ok(count) = pair[0].parse::<u64>() else { continue };
        if pair[1] == "passed" {
            tally.passed += count;
        } else if failures.contains(&pair[1]) {
            tally.failed += count;
        }
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::{Tally, read};

    fn tally(passed: u64, failed: u64) -> Tally {
        Tally { passed, failed }
    }

    #[test]
    fn cargo_test_is_summed_over_its_programs() {
        let text = "test result: ok. 3 passed; 0 failed; 0 ignored\n\
                    test result: FAILED. 1 passed; 2 failed; 0 ignored\n";
        assert_eq!(read(text, false), tally(4, 2));
    }

    #[test]
    fn nextest_counts_what_timed_out_as_failed() {
        let text =
            "     Summary [   0.1s] 4 tests run: 2 passed (1 slow), 1 failed, 1 timed out, 3 skipped\n";
        assert_eq!(read(text, false), tally(2, 2));
    }

    #[test]
    fn playwright_counts_what_did_not_run_as_failed() {
        let text = "  ✓  1 home.spec.ts › 3 passed things\n  1 failed\n    home.spec.ts\n  2 did not run\n  12 passed (3.4s)\n";
        assert_eq!(read(text, false), tally(12, 3));
        assert_eq!(read("  1 passed (1.0m)\n", true), tally(1, 0));
    }

    #[test]
    fn the_python_client_reports_both_numbers_on_one_line() {
        assert_eq!(read("listing models\n3 passed, 1 failed\n", false), tally(3, 1));
    }

    #[test]
    fn silence_and_a_bad_ending_are_failures() {
        assert_eq!(read("", true), tally(0, 1));
        assert_eq!(read("3 passed, 0 failed", false), tally(3, 1));
    }
}
