//! Requests and tokens a minute: exact across servers, told in headers, refused in each family's words.

use std::process::Command;
use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::support::{Answer, Buyer, Fellow, Market, Valkey};

const MODEL: &str = "openai/gpt-5-mini";

/// Where servers count.
pub enum Counting {
    InDatabase,
    InValkey(Valkey),
}

impl Counting {
    pub async fn server(&self, market: &Market, change: impl FnOnce(&mut Command)) -> Fellow {
        let in_place = |command: &mut Command| {
            if let Self::InValkey(valkey) = self {
                command.env("MERCATO_VALKEY_URL", valkey.url());
            }
            change(command);
        };
        market.fellow_with(market.simulator_addr(), in_place).await
    }

    /// Waits for a minute of which enough is left for what a test does, and for servers that count where they should.
    async fn begin(&self, market: &Market, servers: &[&Fellow]) -> i64 {
        loop {
            let begun = early_in_a_minute(market).await;
            if self.is_kept_by(servers).await {
                return begun;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Whether it is still the same minute, all of which was counted where it should be. A server that is kept waiting for
    /// Valkey counts in the database until the minute ends. If not, it waits for a minute of which nothing was used yet.
    async fn has_lasted(&self, market: &Market, servers: &[&Fellow], begun: i64) -> bool {
        if let Self::InValkey(valkey) = self {
            assert_ne!(valkey.says("DBSIZE"), ":0", "Valkey was not asked");
        }
        if self.is_kept_by(servers).await && minute(market).await == begun {
            return true;
        }
        until_the_next_minute(market).await;
        false
    }

    async fn is_kept_by(&self, servers: &[&Fellow]) -> bool {
        for server in servers {
            if matches!(self, Self::InValkey(_)) && figure(server, "mercato_valkey_up").await != 1 {
                return false;
            }
        }
        true
    }
}

pub async fn figure(server: &Fellow, name: &str) -> i64 {
    let text = Answer::to(server.get("/metrics")).await.expect(200).text;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("{name} is missing in\n{text}")).parse().unwrap()
}

pub fn asking(text: &str) -> Value {
    json!({ "model": MODEL, "max_tokens": 16, "messages": [{ "role": "user", "content": text }] })
}

/// Waits for a minute of which enough is left for what a test does, by the clock that counts.
async fn early_in_a_minute(market: &Market) -> i64 {
    let passed = market.count("select extract(second from clock_timestamp())::bigint").await;
    if passed > 25 {
        tokio::time::sleep(Duration::from_secs(61 - passed.unsigned_abs())).await;
    }
    minute(market).await
}

async fn until_the_next_minute(market: &Market) {
    let over = minute(market).await;
    while minute(market).await == over {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn minute(market: &Market) -> i64 {
    market.count("select extract(epoch from clock_timestamp())::bigint / 60").await
}

async fn key_with(buyer: &Buyer<'_>, terms: Value) -> String {
    let mut key = json!({ "name": "counted" });
    key.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
    buyer.make_key(key).await["key"].as_str().unwrap().to_owned()
}

/// Multiplies plans' limits by nothing.
pub fn strict(command: &mut Command) {
    command.env("MERCATO_RATE_FACTOR", "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plans_requests_are_admitted_to_the_last_and_no_further() {
    admit_all_of_a_plan(Counting::InDatabase).await;
}

pub async fn admit_all_of_a_plan(counting: Counting) {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let fellow = counting.server(&market, strict).await;
    loop {
        let begun = counting.begin(&market, &[&fellow]).await;
        let mut answers = Vec::new();
        for _ in 0..23 {
            let request = fellow.post("/v1/chat/completions").bearer_auth(&buyer.key);
            answers.push(Answer::to(request.json(&asking("Hi"))).await);
        }
        if !counting.has_lasted(&market, &[&fellow], begun).await {
            continue;
        }
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [[200; 20].as_slice(), &[429; 3]].concat());
        for (place, answer) in answers.iter().enumerate() {
            assert_eq!(answer.header("x-ratelimit-limit-requests"), "20");
            assert_eq!(
                answer.header("x-ratelimit-remaining-requests"),
                19_usize.saturating_sub(place).to_string()
            );
            let reset = answer.header("x-ratelimit-reset-requests").strip_suffix('s').unwrap();
            assert!((1..=60).contains(&reset.parse::<u64>().unwrap()), "{reset}");
            assert_eq!(answer.header("x-ratelimit-limit-tokens"), "200000");
        }
        let refused = answers.last().unwrap();
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait) && refused.header("x-should-retry") == "true");
        let error = &refused.json()["error"];
        assert_eq!(
            (&error["type"], &error["code"]),
            (&json!("rate_limit_error"), &json!("rate_limit_exceeded"))
        );
        let limit = &error["metadata"]["rate_limit"];
        assert_eq!(
            (&limit["owner"], &limit["unit"], &limit["limit"]),
            (&json!("plan"), &json!("requests"), &json!(20))
        );
        assert!(
            limit["resets_at"].is_string() && error["message"].as_str().unwrap().contains("plan Free"),
            "{error}"
        );
        break;
    }
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_together_admit_exactly_what_a_key_allows() {
    admit_all_of_a_key_at_three_servers(Counting::InDatabase).await;
}

pub async fn admit_all_of_a_key_at_three_servers(counting: Counting) {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let key = key_with(&buyer, json!({ "requests_a_minute": 30 })).await;
    let started = || counting.server(&market, |_| {});
    let fellows = [started().await, started().await, started().await];
    let all: Vec<&Fellow> = fellows.iter().collect();
    let ask = |server: usize| {
        let request = fellows[server].post("/v1/chat/completions");
        Answer::to(request.bearer_auth(&key).json(&asking("Hi")))
    };
    loop {
        let begun = counting.begin(&market, &all).await;
        let before = market.truths().await.len();
        let mut answers = futures_util::future::join_all((0..90).map(|turn| ask(turn % 3))).await;
        // Some may have been refused while a slice was on its way to their server; it serves whoever asks next.
        for server in 0..3 {
            loop {
                answers.push(ask(server).await);
                if answers.last().is_some_and(|last| last.status != 200) {
                    break;
                }
            }
        }
        if !counting.has_lasted(&market, &all, begun).await {
            continue;
        }
        let admitted = answers.iter().filter(|answer| answer.status == 200).count();
        let refused = answers.iter().filter(|answer| answer.status == 429).count();
        assert_eq!((admitted, refused), (30, answers.len() - 30));
        assert_eq!(market.truths().await.len() - before, 30);
        break;
    }
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_a_minute_are_counted_and_given_back_when_they_were_not_used() {
    give_tokens_back(Counting::InDatabase).await;
}

pub async fn give_tokens_back(counting: Counting) {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let key = key_with(&buyer, json!({ "tokens_a_minute": 5_000 })).await;
    let fellow = counting.server(&market, |_| {}).await;
    let send = async |text: &str, max_tokens: u64| {
        let mut body = asking(text);
        body["max_tokens"] = json!(max_tokens);
        Answer::to(fellow.post("/v1/chat/completions").bearer_auth(&key).json(&body)).await
    };
    let left = |answer: &Answer| answer.header("x-ratelimit-remaining-tokens").parse::<u64>().unwrap();
    loop {
        let begun = counting.begin(&market, &[&fellow]).await;
        // Counted as the longest answer it allows, and given back: else the second would find no room.
        let first = send("Hi", 4_500).await;
        let second = send("Hi", 4_000).await;
        // About three thousand tokens of prompt, then there is no room for as many.
        let third = send(&"word ".repeat(2_000), 16).await;
        let refused = send(&"word ".repeat(2_000), 16).await;
        let never = send(&"word ".repeat(5_000), 16).await;
        if !counting.has_lasted(&market, &[&fellow], begun).await {
            continue;
        }
        assert_eq!((first.status, second.status, third.status), (200, 200, 200), "{}", second.text);
        assert!(left(&first) < 600 && left(&second) < 1_100, "{} {}", left(&first), left(&second));
        let limit = refused.expect(429).json()["error"]["metadata"]["rate_limit"].clone();
        assert_eq!(
            (&limit["owner"], &limit["unit"], &limit["limit"]),
            (&json!("key"), &json!("tokens"), &json!(5_000))
        );
        assert!(limit["remaining"].as_u64().unwrap() < 3_000, "{limit}");
        // No minute has room for this, so trying again is no advice.
        let never = never.expect(413);
        assert_eq!(never.header("x-should-retry"), "false");
        break;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_family_reads_a_refusal_in_its_own_words() {
    let market = Market::open().await;
    let buyer = market.paying_buyer().await;
    let key = key_with(&buyer, json!({ "requests_a_minute": 1 })).await;
    let message =
        json!({ "model": MODEL, "max_tokens": 16, "messages": [{ "role": "user", "content": "Hi" }] });
    let send = |request: RequestBuilder, body: &Value| Answer::to(request.bearer_auth(&key).json(body));
    loop {
        let begun = early_in_a_minute(&market).await;
        let first = send(market.post("/v1/messages"), &message).await;
        let anthropic = send(market.post("/v1/messages"), &message).await;
        let openai = send(
            market.post("/v1/embeddings"),
            &json!({ "model": "openai/text-embedding-3-small", "input": "Hi" }),
        )
        .await;
        if minute(&market).await != begun {
            until_the_next_minute(&market).await;
            continue;
        }
        let first = first.expect(200);
        assert_eq!(first.header("anthropic-ratelimit-requests-limit"), "1");
        assert_eq!(first.header("anthropic-ratelimit-requests-remaining"), "0");
        let anthropic = anthropic.expect(429);
        let error = anthropic.json();
        assert_eq!((&error["type"], &error["error"]["type"]), (&json!("error"), &json!("rate_limit_error")));
        assert!(anthropic.header("anthropic-ratelimit-requests-reset").ends_with('Z'));
        assert_eq!(error["error"]["details"]["rate_limit"]["owner"], "key");
        let openai = openai.expect(429);
        assert_eq!(openai.json()["error"]["type"], "rate_limit_error");
        assert_eq!(openai.header("anthropic-ratelimit-requests-limit"), "");
        break;
    }
    assert_eq!(market.count("select count(*) from hold where state = 'open'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_at_one_address_are_counted_together_whatever_their_keys() {
    count_an_address(Counting::InDatabase).await;
}

pub async fn count_an_address(counting: Counting) {
    let market = Market::open().await;
    let buyer = market.buyer().await;
    let fellow = counting
        .server(&market, |command| {
            command
                .env("MERCATO_TRUSTED_PROXIES", "127.0.0.1")
                .env("MERCATO_ADDRESS_REQUESTS_A_MINUTE", "10");
        })
        .await;

    let ask = async |key: &str, address: &str| {
        Answer::to(fellow.get("/v1/models").bearer_auth(key).header("x-forwarded-for", address)).await
    };
    loop {
        let begun = counting.begin(&market, &[&fellow]).await;
        let mut statuses = Vec::new();
        for turn in 0..14 {
            // Of one network in IPv6 all are one.
            statuses.push(ask(&buyer.key, &format!("2001:db8::{turn}")).await.status);
        }
        let refused = ask(&buyer.key, "2001:db8::ffff").await;
        let other = ask(&buyer.key, "2001:db8:1::1").await;
        let own = Answer::to(fellow.get("/v1/models").bearer_auth(&buyer.key)).await;
        if !counting.has_lasted(&market, &[&fellow], begun).await {
            continue;
        }
        assert_eq!(statuses, [[200; 10].as_slice(), &[429; 4]].concat());
        let error = refused.expect(429).json()["error"].clone();
        assert_eq!(error["metadata"]["rate_limit"]["owner"], "address");
        assert!(error["message"].as_str().unwrap().contains("2001:db8::/64"), "{error}");
        assert_eq!((other.status, own.status), (200, 200));
        break;
    }
}
