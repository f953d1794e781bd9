//! The house rules, read from the manifests and sources themselves.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

#[path = "house/manifest.rs"]
mod manifest;
#[path = "house/source.rs"]
mod source;

use manifest::{Dependency, dependencies, locked, text};
use source::{Source, production, sources};

/// Each of our crates, its folder, and which of our crates it may use.
const CRATES: [(&str, &str, &[&str]); 9] = [
    ("marketplace", "", &[]),
    ("store", "server/store", &["marketplace"]),
    ("providers", "server/providers", &["marketplace"]),
    ("engine", "server/engine", &["marketplace", "store", "providers"]),
    ("app", "app", &["marketplace", "engine"]),
    ("server", "server", &["marketplace", "engine", "app"]),
    ("frontend", "frontend", &["app"]),
    ("statement", "frontend/statement", &["marketplace"]),
    ("xtask", "xtask", &[]),
];

/// Crates that a part of the tree must never see.
const FORBIDDEN: [(&str, &[&str]); 6] = [
    ("", &["tokio", "sqlx", "reqwest", "axum", "leptos", "futures-util"]),
    (
        "server/engine",
        &["axum", "axum-extra", "leptos", "leptos_axum", "tower", "tower-http", "sqlx", "http", "hyper"],
    ),
    ("server/store", &["reqwest", "axum", "leptos", "http"]),
    ("server/providers", &["sqlx", "axum", "leptos"]),
    ("frontend", &["tokio", "sqlx", "axum", "reqwest"]),
    ("frontend/statement", &["leptos", "web-sys", "js-sys", "tokio", "reqwest"]),
];

/// From RELIABILITY: advisories that a lock file must not fall behind.
const MINIMUM_VERSIONS: [(&str, [u64; 3]); 8] = [
    ("jsonwebtoken", [10, 3, 0]),
    ("sqlx", [0, 8, 1]),
    ("bytes", [1, 11, 1]),
    ("time", [0, 3, 47]),
    ("rustls-webpki", [0, 103, 13]),
    ("rustls", [0, 23, 45]),
    ("h2", [0, 4, 4]),
    ("idna", [1, 0, 0]),
];

/// Where amounts are computed, and nothing may be a fraction.
const MONEY: [&str; 11] = [
    "src/money.rs",
    "src/price.rs",
    "src/quote.rs",
    "src/allowance.rs",
    "src/statement",
    "src/usage.rs",
    "server/store/",
    "server/engine/src/chat",
    "server/engine/src/making",
    "server/engine/src/billing",
    "server/engine/src/gateway",
];

#[track_caller]
fn assert_none(rule: &str, offenders: Vec<String>) {
    assert!(offenders.is_empty(), "{rule}:\n  {}", offenders.join("\n  "));
}

fn lines_with(sources: &[Source], is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let numbered = |source: &Source| {
        let wrong = source.production().lines().enumerate().filter(|(_, line)| is_wrong(line));
        wrong.map(|(at, line)| format!("{}:{}: {}", source.path, at + 1, line.trim())).collect::<Vec<_>>()
    };
    sources.iter().flat_map(numbered).collect()
}

#[test]
fn our_crates_depend_one_way() {
    let ours: Vec<&str> = CRATES.iter().map(|(name, ..)| *name).collect();
    let offenders = CRATES.iter().flat_map(|(name, folder, allowed)| {
        let found = dependencies(folder).into_iter();
        found
            .filter(|found| ours.contains(&found.name.as_str()) && !allowed.contains(&found.name.as_str()))
            .map(move |found| format!("{name} depends on {}", found.name))
    });
    assert_none("dependencies run one way", offenders.collect());
}

#[test]
fn a_page_sees_the_engine_only_on_the_server() {
    let is_optional = |dependency: &Dependency| dependency.optional;
    let app = dependencies("app");
    assert!(app.iter().find(|dependency| dependency.name == "engine").is_some_and(is_optional));
    let manifest = text("app/Cargo.toml");
    let hydrate = manifest.lines().find(|line| line.starts_with("hydrate = ")).unwrap();
    let natives = ["engine", "axum", "axum-extra", "http", "leptos_axum"];
    let mut offenders: Vec<String> = natives
        .iter()
        .filter(|name| hydrate.contains(**name))
        .map(|name| format!("hydrate takes {name}"))
        .collect();
    let bare = app.iter().filter(|found| natives.contains(&found.name.as_str()) && !found.optional);
    offenders.extend(bare.map(|found| format!("app always takes {}", found.name)));
    assert_none("server crates are optional in app", offenders);
}

#[test]
fn each_part_stays_out_of_the_others_business() {
    let offenders = FORBIDDEN.iter().flat_map(|(folder, forbidden)| {
        let found = dependencies(folder).into_iter();
        found
            .filter(|found| forbidden.contains(&found.name.as_str()) && !found.optional)
            .map(move |found| format!("{folder}/Cargo.toml has {}", found.name))
    });
    assert_none("some crates are forbidden in some folders", offenders.collect());
}

#[test]
fn one_command_never_builds_both_halves() {
    let manifest = text("Cargo.toml");
    let members = manifest.lines().find(|line| line.starts_with("default-members")).unwrap();
    assert!(!members.contains("frontend") && members.contains("\"server\""), "{members}");
}

#[test]
fn everybody_calls_the_browser_half_by_the_same_name() {
    let (manifest, server) = (text("Cargo.toml"), text("server/Cargo.toml"));
    for wanted in [
        "name = \"mercato\"",
        "output-name = \"mercato\"",
        "bin-package = \"server\"",
        "bin-target = \"mercato\"",
        "lib-package = \"frontend\"",
    ] {
        assert!(manifest.lines().any(|line| line == wanted), "{wanted} is missing in Cargo.toml");
    }
    assert!(server.contains("[[bin]]\nname = \"mercato\""), "the program has another name");
    assert!(text(".cargo/config.toml").contains("LEPTOS_OUTPUT_NAME = \"mercato\""));
    assert!(text("server/src/routes.rs").contains(".output_name(\"mercato\")"));
}

#[test]
fn no_file_has_a_name_that_says_nothing() {
    let empty = ["mod", "utils", "util", "helpers", "helper", "common", "types", "misc", "manager"];
    let offenders =
        sources().into_iter().filter(|source| empty.contains(&source.stem())).map(|source| source.path);
    assert_none("a file is named after what it holds", offenders.collect());
}

#[test]
fn every_file_says_first_what_it_is_for() {
    let silent =
        sources().into_iter().filter(|source| !source.text.starts_with("//! ")).map(|source| source.path);
    assert_none("a file begins with `//!`", silent.collect());
}

#[test]
fn no_file_is_longer_than_four_hundred_lines() {
    let long = production().into_iter().filter_map(|source| {
        let lines = source.production().lines().count();
        (lines > 400).then(|| format!("{}: {lines} lines", source.path))
    });
    assert_none("a file has at most 400 lines without its tests", long.collect());
}

#[test]
fn money_is_never_a_fraction() {
    let money: Vec<Source> = production()
        .into_iter()
        .filter(|source| MONEY.iter().any(|place| source.path.starts_with(place)))
        .collect();
    assert!(money.len() > 12, "the places where money is computed have moved");
    let is_fraction = |line: &str| {
        line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| {
            let digits = word.trim_end_matches("f64").trim_end_matches("f32");
            word != digits && digits.chars().all(|c| c.is_ascii_digit() || c == '_')
        })
    };
    assert_none("amounts are whole numbers", lines_with(&money, is_fraction));
}

#[test]
fn gates_between_server_and_browser_are_few_and_in_app() {
    let is_gate = |line: &str| line.contains("feature = \"ssr\"") || line.contains("feature = \"hydrate\"");
    let gates = lines_with(&production(), is_gate);
    assert!(gates.len() <= 5, "{} gates, at most five:\n  {}", gates.len(), gates.join("\n  "));
    let elsewhere = gates.into_iter().filter(|gate| !gate.starts_with("app/src/")).collect();
    assert_none("gates stand in app only", elsewhere);
}

#[test]
fn bugs_are_let_in_by_one_line() {
    let is_gate = |line: &str| line.contains("seeded-bugs\"");
    let in_product: Vec<Source> =
        production().into_iter().filter(|source| !source.path.starts_with("xtask/")).collect();
    let gates = lines_with(&in_product, is_gate);
    assert!(
        gates.len() == 1 && gates[0].starts_with("server/store/src/seeded.rs:"),
        "one gate lets bugs in:\n  {}",
        gates.join("\n  ")
    );
    let offenders = CRATES.iter().filter_map(|(name, folder, _)| {
        let manifest = text(format!("{folder}/Cargo.toml").trim_start_matches('/'));
        manifest
            .lines()
            .any(|line| line.starts_with("default = "))
            .then(|| format!("{name} has features by default"))
    });
    assert_none("nobody builds with bugs unasked", offenders.collect());
}

#[test]
fn no_step_of_the_books_is_more_than_one_statement() {
    let beneath =
        |source: &Source| ["server/store/", "server/engine/"].iter().any(|at| source.path.starts_with(at));
    let books: Vec<Source> = production().into_iter().filter(beneath).collect();
    assert!(books.len() > 20, "the books have moved");
    let is_open =
        |line: &str| [".begin(", "begin_with(", "Transaction<"].iter().any(|word| line.contains(word));
    assert_none("a transaction is one statement", lines_with(&books, is_open));
}

#[test]
fn nothing_is_left_to_be_done() {
    let is_stub = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        ["todo!", "unimplemented!"].iter().any(|stub| code.contains(&format!("{stub}(")))
    };
    assert_none("no stubs", lines_with(&sources(), is_stub));
}

#[test]
fn the_lock_file_is_past_every_advisory_we_know() {
    let locked = locked();
    let mut offenders = Vec::new();
    for (name, least) in MINIMUM_VERSIONS {
        let old = locked.iter().filter(|(found, version)| found == name && *version < least);
        offenders.extend(old.map(|(found, version)| format!("{found} {version:?} is below {least:?}")));
    }
    assert!(
        locked.iter().any(|(name, _)| name == "sqlx") && locked.len() > 100,
        "Cargo.lock was not understood"
    );
    offenders.extend(
        locked.iter().filter(|(name, _)| name == "rsa").map(|_| "rsa has an open advisory".to_owned()),
    );
    assert_none("Cargo.lock", offenders);
}

#[test]
fn the_example_of_the_environment_names_every_variable() {
    let example = text(".env.example");
    let named: Vec<&str> = example
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once('='))
        .map(|(name, _)| name)
        .collect();
    let config = text("server/src/config.rs");
    let registry = text("server/providers/src/registry.rs");
    let mut wanted: Vec<String> = config
        .split("env = \"")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        .collect();
    let rows = registry
        .lines()
        .filter(|line| line.trim_start().starts_with("(\"") && line.contains("stops_on_abort"));
    let prefixes = rows.filter_map(|row| row.split('"').nth(5));
    wanted.extend(prefixes.flat_map(|prefix| [format!("{prefix}_API_KEY"), format!("{prefix}_BASE_URL")]));
    assert!(wanted.len() > 40, "the settings have moved: {wanted:?}");
    let missing = wanted.into_iter().filter(|name| !named.contains(&name.as_str())).collect();
    assert_none("missing in .env.example", missing);
}
