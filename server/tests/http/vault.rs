//! Keys of vendors at rest and in use: replaced while calls run, sealed anew under load, and told to nobody.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::RequestBuilder;
use serde_json::json;
use server::simulator::Pace;

use crate::support::{Answer, Buyer, MASTER_KEY};
use crate::vendors::{GLOW, add_lantern, ask, keyless, question, set_key};

const NEW_MASTER_KEY: [u8; 32] = [8; 32];

fn written(key: [u8; 32]) -> String {
    STANDARD.encode(key)
}

/// The operator's own models as a file, for servers that are processes.
fn catalogue() -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("mercato-models-{}.toml", uuid::Uuid::now_v7().simple()));
    std::fs::write(&path, GLOW).unwrap();
    path
}

fn asked(request: RequestBuilder, buyer: &Buyer<'_>) -> RequestBuilder {
    request.bearer_auth(&buyer.key).json(&question("Name three harbours. [[simulate: instant]]", false))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_ends_with_the_key_it_began_with_and_every_server_takes_the_new_one() {
    let market = keyless(Pace::Realistic, &[]).await;
    let (operator, buyer) = (market.operator().await, market.paying_buyer().await);
    add_lantern(&market, &operator, "sk-lantern-good").await;
    let models = catalogue();
    let fellow = market
        .fellow_with(market.simulator.addr, |command| {
            command.env("MERCATO_CATALOGUE", &models);
        })
        .await;
    Answer::to(asked(fellow.post("/v1/chat/completions"), &buyer)).await.expect(200);
    let mut running = Vec::new();
    for _ in 0..8 {
        let mut stream = buyer.chat(&question("Name three harbours.", true)).send().await.unwrap();
        stream.chunk().await.unwrap().unwrap();
        running.push(stream);
    }
    // The simulator accepts every key but this one, so whoever is asked with it says so.
    set_key(&operator, "wrong").await;
    let set = Instant::now();
    ask(&buyer).await.expect(502);
    while Answer::to(asked(fellow.post("/v1/chat/completions"), &buyer)).await.status == 200 {
        assert!(set.elapsed() < Duration::from_secs(5), "another server still uses the old key");
    }
    let taken = set.elapsed();
    for stream in running {
        let call = stream.headers()["x-generation-id"].to_str().unwrap().to_owned();
        let rest = Answer::read(stream).await;
        assert_eq!(rest.data_lines().last(), Some(&"[DONE]"), "{}", rest.text);
        assert!(market.debits(&call).await[0] < 0);
    }
    set_key(&operator, "sk-lantern-better").await;
    ask(&buyer).await.expect(200);
    market.until_no_hold_is_open(Duration::from_secs(5)).await;
    market.assert_books_balance().await;
    println!("8 running streams ended with their key; another server refused the old one {taken:?} later");
    std::fs::remove_file(models).unwrap();
}

/// Calls one after the other until it is over, counting how many there were; any that fails is told.
async fn call_on(buyer: &Buyer<'_>, over: &AtomicBool, made: &AtomicUsize) {
    while !over.load(SeqCst) {
        let answer = ask(buyer).await;
        assert_eq!(answer.status, 200, "call {} failed: {}", made.load(SeqCst), answer.text);
        made.fetch_add(1, SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_key_is_replaced_while_calls_run_and_none_fails() {
    let market = keyless(Pace::Instant, &[]).await;
    let (operator, buyer) = (market.operator().await, market.paying_buyer().await);
    add_lantern(&market, &operator, "sk-lantern-good").await;
    let (over, made) = (AtomicBool::new(false), AtomicUsize::new(0));
    let models = catalogue();
    let rotating = async {
        let before = made.load(SeqCst);
        let both = |command: &mut tokio::process::Command| {
            command.env("MERCATO_MASTER_KEY", written(NEW_MASTER_KEY));
            command.env("MERCATO_MASTER_KEY_OLD", written(MASTER_KEY));
        };
        let rotated = market.mercato_with(&["secrets", "rotate"], both).await;
        assert!(rotated.worked && rotated.text.contains("sealed 2 secrets anew"), "{rotated:?}");
        let again = market.mercato_with(&["secrets", "rotate"], both).await;
        assert!(again.worked && again.text.contains("the old one is not needed"), "{again:?}");
        let old = market.mercato(&["vendors", "list"]).await;
        assert!(!old.worked && old.text.contains("MERCATO_MASTER_KEY is not the key"), "{old:?}");
        // The old key is gone, and everything opens: the vendor's key, sessions and API keys.
        let fellow = market
            .fellow_with(market.simulator.addr, |command| {
                command.env("MERCATO_MASTER_KEY", written(NEW_MASTER_KEY)).env("MERCATO_CATALOGUE", &models);
            })
            .await;
        for _ in 0..5 {
            Answer::to(asked(fellow.post("/v1/chat/completions"), &buyer)).await.expect(200);
        }
        Answer::to(fellow.get("/api/v1/auth/me").bearer_auth(&buyer.token)).await.expect(200);
        over.store(true, SeqCst);
        before
    };
    let calls = futures_util::future::join_all((0..3).map(|_| call_on(&buyer, &over, &made)));
    let (before, _) = tokio::join!(rotating, calls);
    let during = made.load(SeqCst) - before;
    assert!(during > 10, "only {during} calls were made meanwhile");
    assert_eq!(market.count("select count(distinct master) from (select master from vendor_secret union select master from root_secret) as one").await, 1);
    market.assert_books_balance().await;
    println!("{during} calls while the master key was replaced, 0 failed");
    std::fs::remove_file(models).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_vendor_is_told_to_nobody() {
    const CANARY: &str = "sk-canary-5b1f0e77c2d94a3f-zzzz";
    let market = keyless(Pace::Instant, &[]).await;
    let (operator, buyer) = (market.operator().await, market.paying_buyer().await);
    let (models, log) = (catalogue(), std::env::temp_dir().join(format!("{}.log", uuid::Uuid::now_v7())));
    let written = std::fs::File::create(&log).unwrap();
    let fellow = market
        .fellow_with(market.simulator.addr, |command| {
            command.env("MERCATO_CATALOGUE", &models).env("RUST_LOG", "trace").stderr(Stdio::from(written));
        })
        .await;
    let base_url = market.simulated_url("lantern");
    let row = json!({ "id": "lantern", "name": "Lantern", "base_url": base_url, "reason": "a new vendor" });
    operator.post("providers", &row).await.expect(201);
    let session = operator.token();
    let put = fellow.put("/api/v1/admin/providers/lantern/key").bearer_auth(session);
    Answer::to(put.json(&json!({ "key": CANARY, "reason": "a key for it" }))).await.expect(204);
    let mut told = vec![
        Answer::to(asked(fellow.post("/v1/chat/completions"), &buyer)).await.expect(200).text,
        Answer::to(fellow.get("/metrics")).await.expect(200).text,
        Answer::to(fellow.get("/api/v1/admin/providers").bearer_auth(session)).await.expect(200).text,
    ];
    for scenario in ["unauthorized", "server-error", "html", "rate-limit", "truncated"] {
        let body = question(&format!("Hello [[simulate: {scenario}]]"), false);
        let request = fellow.post("/v1/chat/completions").bearer_auth(&buyer.key);
        told.push(Answer::to(request.json(&body)).await.text);
    }
    let refused = json!({ "key": format!("{CANARY} and more"), "reason": "a key for it" });
    told.push(operator.put("providers/lantern/key", &refused).await.expect(400).text);
    for page in ["/admin", "/admin/vendors"] {
        told.push(operator.page(page).await.expect(200).text);
    }
    for table in ["audit_event", "vendor", "vendor_secret", "vendor_refusal", "hold", "usage_call"] {
        let rows =
            sqlx::AssertSqlSafe(format!("select coalesce(string_agg(one::text, ' '), '') from {table} one"));
        told.push(sqlx::query_scalar(rows).fetch_one(&market.db).await.unwrap());
    }
    drop(fellow);
    let log_text = std::fs::read_to_string(&log).unwrap();
    let is_whole =
        ["DEBUG", "settled a call", "lantern refuses our key"].iter().all(|line| log_text.contains(line));
    assert!(is_whole, "{} bytes of log are not whole:\n{log_text}", log_text.len());
    told.push(log_text);
    let hex: String = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
    for (at, text) in told.iter().enumerate() {
        for form in [CANARY, &CANARY[..20], &hex[..40], &STANDARD.encode(CANARY)[..24]] {
            assert!(!text.contains(form), "the {at}th tells the key as {form}");
        }
    }
    let bytes: usize = told.iter().map(String::len).sum();
    println!(
        "the key stands in none of {} texts, {bytes} bytes, the log at trace level among them",
        told.len()
    );
    std::fs::remove_file(models).unwrap();
    std::fs::remove_file(log).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_adds_a_vendor_and_a_running_market_sells_it_a_second_later() {
    let market = keyless(Pace::Instant, &[]).await;
    let buyer = market.paying_buyer().await;
    let allowed = market.simulator.addr.to_string();
    let with = |key: &'static str| {
        let allowed = allowed.clone();
        move |command: &mut tokio::process::Command| {
            command.env("MERCATO_EGRESS_ALLOW", allowed);
            let path = std::env::temp_dir().join(format!("{}.key", uuid::Uuid::now_v7()));
            std::fs::write(&path, key).unwrap();
            command.stdin(Stdio::from(std::fs::File::open(path).unwrap()));
        }
    };
    let base_url = market.simulated_url("lantern");
    let add = ["vendors", "add", "lantern", "--name", "Lantern", "--base-url", &base_url, "--reason", "new"];
    let added = market.mercato_with(&add, with("")).await;
    assert!(added.worked, "{added:?}");
    let set = ["vendors", "set-key", "lantern", "--reason", "its first"];
    let set = market.mercato_with(&set, with("sk-lantern-0123456789-tail\n")).await;
    assert!(set.worked && !set.text.contains("sk-"), "{set:?}");
    let begun = Instant::now();
    while ask(&buyer).await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(3), "the vendor is not taken over");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let listed = market.mercato_with(&["vendors", "list"], with("")).await;
    assert!(listed.text.contains("stored key …tail"), "{listed:?}");
    println!("sold {:?} after the command ended", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_master_key_stops_the_start_until_what_it_sealed_is_given_up() {
    let market = keyless(Pace::Instant, &[]).await;
    let operator = market.operator().await;
    add_lantern(&market, &operator, "sk-lantern-good").await;
    let other = |command: &mut tokio::process::Command| {
        command.env("MERCATO_MASTER_KEY", written(NEW_MASTER_KEY));
    };
    for arguments in [&["vendors", "list"][..], &["serve"], &["secrets", "rotate"]] {
        let refused = market.mercato_with(arguments, other).await;
        assert!(!refused.worked && refused.text.contains("MERCATO_MASTER_KEY is not the key"), "{refused:?}");
    }
    let given_up = market.mercato_with(&["secrets", "abandon", "--reason", "it burnt"], other).await;
    assert!(given_up.worked && given_up.text.contains("the keys of 1 vendors"), "{given_up:?}");
    let listed = market.mercato_with(&["vendors", "list"], other).await;
    assert!(listed.worked && !listed.text.contains("stored key"), "{listed:?}");
    let told = "select count(*) from audit_event where action = 'secrets.abandon' and reason = 'it burnt'";
    assert_eq!(market.count(told).await, 1);
}
