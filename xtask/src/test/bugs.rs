//! `cargo xtask bugs`: puts known bugs in, one at a time, and demands that the tests notice each of them.
//!
//! A suite that stays green over a bug proves nothing. The bugs are described in `server/store/src/seeded.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Result, ensure};

use crate::log::Log;
use crate::progress::Tally;
use crate::test::tests::runner;
use crate::test::{Bench, tally};
use crate::workspace::{Profile, Workspace};
use crate::{database, postgres, server_half};

const FEATURE: &str = "server/seeded-bugs";
const VARIABLE: &str = "MERCATO_SEEDED_BUG";
/// Passes with every bug: nobody would let a server go that fails at the first call.
const ORDINARY: &str = "chat::a_stream_begins_with_the_role_and_ends_with_done";

/// A bug, and the tests that are run with it. At least one of them must fail.
struct Bug {
    name: &'static str,
    tests: &'static [&'static str],
}

const BUGS: [Bug; 10] = [
    Bug {
        name: "drop_guard",
        tests: &[
            "ledger::a_hold_takes_what_is_there_but_never_less_than_it_needs",
            "race::twenty_four_holds_at_once_on_a_wallet_for_three_make_three",
        ],
    },
    Bug {
        name: "capture_twice",
        tests: &[
            "ledger::a_second_capture_changes_nothing_and_answers_the_first",
            "race::a_hold_captured_by_many_at_once_is_charged_once",
        ],
    },
    Bug {
        name: "price_at_settle",
        tests: &["price::a_price_that_changes_in_mid_call_is_for_the_calls_after_it"],
    },
    Bug {
        name: "fold_by_id",
        tests: &[
            "late::an_entry_that_commits_late_is_checked_all_the_same",
            "late::an_entry_that_commits_late_breaks_no_seal_and_gets_its_own",
        ],
    },
    Bug {
        name: "leak_hold",
        tests: &[
            "leave::whoever_hangs_up_pays_for_what_came_and_gets_the_rest_back",
            "leave::leaving_before_the_first_word_costs_nothing",
        ],
    },
    Bug {
        name: "retry_after_first_byte",
        tests: &["failures::a_vendor_that_fails_in_mid_answer_is_not_asked_again"],
    },
    Bug { name: "estimate_zero", tests: &["failures::an_explicit_zero_is_a_price_of_zero"] },
    Bug {
        name: "skip_lease_check",
        tests: &[
            "ledger::a_server_learns_at_its_next_checkpoint_that_another_has_closed_its_hold",
            "late::a_server_taken_for_dead_stops_forwarding",
        ],
    },
    Bug {
        name: "round_down",
        tests: &[
            "chat::every_charge_is_what_an_independent_reckoning_says",
            "failures::a_stream_that_breaks_off_is_charged_as_far_as_it_came",
        ],
    },
    Bug { name: "trust_client", tests: &["price::what_a_request_says_of_its_cost_is_a_limit_and_no_price"] },
];

pub fn run(workspace: &Workspace) -> Result<ExitCode> {
    let log = Log::terminal();
    postgres::ensure_programs(workspace, &log)?;
    server_half::build(workspace, Profile::Dev, &log)?;
    let url = database::start(workspace)?;
    let outcome = check(workspace, &url, &log);
    database::stop(workspace)?;
    let tally = outcome?;
    println!("{tally}");
    Ok(if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub fn step(bench: &mut Bench, log: &Log) -> Result<Tally> {
    check(bench.workspace, bench.database_url()?, log)
}

fn check(workspace: &Workspace, url: &str, log: &Log) -> Result<Tally> {
    let garden = Garden { workspace, url, log, logs: workspace.target.join("xtask-logs") };
    fs::create_dir_all(&garden.logs)?;
    let outcome = garden.tend();
    // The tests leave the program they ran in the place of the one that is built for everybody else.
    server_half::build(workspace, Profile::Dev, log)?;
    let mut tally = outcome?;
    let is_clean = !garden.can_be_given_bugs()?;
    log.note(if is_clean { "the product holds none of them" } else { "FAILED: the product holds the bugs" });
    tally += if is_clean { Tally::PASSED } else { Tally::FAILED };
    Ok(tally)
}

struct Garden<'a> {
    workspace: &'a Workspace,
    url: &'a str,
    log: &'a Log,
    logs: PathBuf,
}

impl Garden<'_> {
    fn tend(&self) -> Result<Tally> {
        self.log.run(chosen_tests(self.workspace).arg("--no-run"))?;
        ensure!(self.can_be_given_bugs()?, "{VARIABLE} is not in the program that was built with {FEATURE}");
        let names: BTreeSet<&str> =
            BUGS.iter().flat_map(|bug| bug.tests).chain([&ORDINARY]).copied().collect();
        let names: Vec<&str> = names.into_iter().collect();
        let (text, is_success) = self.run(None, &names)?;
        let found = tally::read(&text, is_success);
        // A test that was renamed is not run at all.
        let wanted = Tally { passed: names.len() as u64, failed: 0 };
        ensure!(
            found == wanted,
            "without a bug {wanted} was expected, not {found}; failed: {:?}",
            failed(&text, &names)
        );
        self.log.note(&format!("without a bug all {} tests pass", names.len()));
        let mut tally = Tally::PASSED;
        for bug in &BUGS {
            tally += self.plant(bug)?;
        }
        Ok(tally)
    }

    fn plant(&self, bug: &Bug) -> Result<Tally> {
        let names = [bug.tests, &[ORDINARY]].concat();
        let (text, _) = self.run(Some(bug.name), &names)?;
        let failed = failed(&text, &names);
        let (verdict, tally) = match failed.as_slice() {
            [] => ("FAILED: nobody noticed".to_owned(), Tally::FAILED),
            failed if failed.contains(&ORDINARY) => {
                ("FAILED: not even an ordinary call works".to_owned(), Tally::FAILED)
            }
            failed => (format!("noticed by {}", failed.join(", ")), Tally::PASSED),
        };
        self.log.note(&format!("{}: {verdict}", bug.name));
        Ok(tally)
    }

    /// Runs these tests, and answers what the runner printed and whether all went well.
    fn run(&self, bug: Option<&str>, names: &[&str]) -> Result<(String, bool)> {
        let log = Log::file(self.logs.join(format!("bug-{}.log", bug.unwrap_or("none"))))?;
        let mut command = chosen_tests(self.workspace);
        command.args(["--no-fail-fast", "--", "--exact"]).args(names).env("DATABASE_URL", self.url);
        match bug {
            Some(bug) => command.env(VARIABLE, bug),
            None => command.env_remove(VARIABLE),
        };
        let is_success = log.succeeds(&mut command)?;
        Ok((log.text(), is_success))
    }

    fn can_be_given_bugs(&self) -> Result<bool> {
        let program = self.workspace.server(Profile::Dev);
        ensure!(program.is_file(), "{} is missing", program.display());
        let mut grep = self.workspace.command("grep");
        self.log.succeeds(grep.args(["--quiet", "--text", "--fixed-strings", VARIABLE]).arg(program))
    }
}

/// The same packages as in the run of all tests, or else cargo would choose other features for what they depend on.
fn chosen_tests(workspace: &Workspace) -> Command {
    let mut command = runner(workspace);
    command.args(["--features", FEATURE, "--test", "books", "--test", "http"]);
    command
}

/// Those of these tests that the runner reports as failed.
fn failed<'a>(text: &str, names: &[&'a str]) -> Vec<&'a str> {
    let reported: BTreeSet<&str> = text.lines().filter_map(failed_test).collect();
    names.iter().filter(|name| reported.contains(*name)).copied().collect()
}

fn failed_test(line: &str) -> Option<&str> {
    let line = line.trim();
    // cargo test: "test race::calls_at_once ... FAILED"
    if let Some(name) = line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED")) {
        return Some(name);
    }
    // cargo nextest: "FAIL [   2.104s] (3/4) server::http race::calls_at_once"
    let first = line.split_whitespace().next()?;
    let has_ended_badly = ["FAIL", "TIMEOUT", "SIGABRT", "SIGSEGV"].contains(&first);
    has_ended_badly.then(|| line.split_whitespace().next_back()).flatten()
}

#[cfg(test)]
mod tests {
    use super::failed;

    #[test]
    fn both_runners_name_the_tests_that_failed() {
        let names = ["race::one", "race::two", "chat::three"];
        let nextest = "        PASS [   0.1s] (1/3) server::http race::one\n        FAIL [   2.1s] (2/3) server::http race::two\n";
        assert_eq!(failed(nextest, &names), ["race::two"]);
        let cargo = "test race::one ... FAILED\ntest race::two ... ok\ntest chat::three ... FAILED\n";
        assert_eq!(failed(cargo, &names), ["race::one", "chat::three"]);
    }
}
