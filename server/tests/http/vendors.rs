//! Vendors as rows: added, moved and given keys while the market runs, by operators and nobody else.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use engine::Registry;
use reqwest::Method;
use serde_json::{Value, json};
use server::simulator::Pace;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::support::{Answer, Buyer, Market, Operator, Vendors};

pub const GLOW: &str = r#"
[[model]]
id = "lantern/glow-2"
name = "Glow 2"
publisher = "lantern"
provider = "lantern"
upstream = "glow-2"
protocol = "openai_chat_completions"
kind = "chat"
status = "active"
context_tokens = 128000
max_output_tokens = 8192
input = ["text"]
output = ["text"]
abilities = ["streaming"]
price = { input = "0.40", output = "1.60" }
"#;

/// A market that knows no key of any vendor, and one model of a vendor that nobody has heard of.
pub async fn keyless(pace: Pace, besides: &[SocketAddr]) -> Market {
    let besides: Vec<String> = besides.iter().map(|addr| format!(",{addr}")).collect();
    Market::open_among(pace, |simulator| Vendors {
        registry: Registry::from_settings(|_| None).unwrap(),
        egress: format!("{simulator}{}", besides.concat()),
        own_models: Some(GLOW.to_owned()),
    })
    .await
}

/// Adds the unheard-of vendor, played by the simulator, with a key.
pub async fn add_lantern(market: &Market, operator: &Operator<'_>, key: &str) {
    let base_url = market.simulated_url("lantern");
    let row = json!({ "id": "lantern", "name": "Lantern", "base_url": base_url, "reason": "a new vendor" });
    operator.post("providers", &row).await.expect(201);
    set_key(operator, key).await;
}

pub async fn set_key(operator: &Operator<'_>, key: &str) {
    let key = json!({ "key": key, "reason": "a key for it" });
    operator.put("providers/lantern/key", &key).await.expect(204);
}

pub fn question(text: &str, stream: bool) -> Value {
    json!({
        "model": "lantern/glow-2", "stream": stream, "max_tokens": 400,
        "messages": [{ "role": "user", "content": text }],
    })
}

pub async fn ask(buyer: &Buyer<'_>) -> Answer {
    Answer::to(buyer.chat(&question("Name three harbours.", false))).await
}

async fn lantern(operator: &Operator<'_>) -> Value {
    let listed = operator.get("providers").await.expect(200).json();
    let rows = listed["data"].as_array().unwrap();
    rows.iter().find(|row| row["id"] == "lantern").unwrap_or_else(|| panic!("{listed}")).clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_vendor_is_added_by_one_row_and_answers_a_paid_call() {
    let market = keyless(Pace::Instant, &[]).await;
    let (operator, buyer) = (market.operator().await, market.paying_buyer().await);
    ask(&buyer).await.expect(404);
    add_lantern(&market, &operator, "sk-lantern-0123456789-last").await;
    let answer = ask(&buyer).await.expect(200);
    let call = answer.header("x-generation-id");
    let (receipt, truth) = (buyer.receipt(call).await, market.truth(call).await);
    assert_eq!((&receipt["provider"], &truth["vendor"]), (&json!("lantern"), &json!("lantern")));
    assert_eq!(truth["model"], "glow-2");
    assert!(market.debits(call).await[0] < 0, "{receipt}");
    let row = lantern(&operator).await;
    assert_eq!((&row["key"], &row["key_last_four"]), (&json!("stored"), &json!("last")));
    assert_eq!((&row["base_url_source"], &row["available"]), (&json!("added"), &json!(true)));
    let clear = json!({ "reason": "we leave them" });
    operator.delete("providers/lantern/key", &clear).await.expect(204);
    operator.delete("providers/lantern/key", &clear).await.expect(404);
    ask(&buyer).await.expect(503);
    operator.delete("providers/lantern", &clear).await.expect(204);
    ask(&buyer).await.expect(404);
    let told = "select count(*) from audit_event where subject = 'vendor:lantern' and reason is not null
        and action in ('vendor.set', 'vendor.set_key', 'vendor.clear_key', 'vendor.remove')";
    assert_eq!(market.count(told).await, 4);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_admin_passes_the_doors_to_vendors() {
    let market = keyless(Pace::Instant, &[]).await;
    let operator = market.operator().await;
    add_lantern(&market, &operator, "sk-lantern-0123456789-last").await;
    let body = json!({
        "id": "evil", "name": "Evil", "base_url": market.simulated_url("evil"), "key": "sk-evil", "reason": "for fun",
    });
    let doors = [
        (Method::GET, "/api/v1/admin/providers"),
        (Method::POST, "/api/v1/admin/providers"),
        (Method::PUT, "/api/v1/admin/providers/lantern/address"),
        (Method::PUT, "/api/v1/admin/providers/lantern/key"),
        (Method::DELETE, "/api/v1/admin/providers/lantern/key"),
        (Method::DELETE, "/api/v1/admin/providers/lantern"),
    ];
    let form = "id=lantern&name=Evil&base_url=https://evil.example&key=sk-evil-key&reason=for+fun";
    let functions = ["add_vendor", "move_vendor", "remove_vendor", "set_vendor_key", "clear_vendor_key"];
    let state =
        "select (select count(*) from vendor) * 1000 + (select sum(version)::bigint from vendor_secret)
        + (select count(*) from audit_event where action like 'vendor.%') * 100";
    let before = market.count(state).await;
    let buyer = market.buyer().await;
    let mut asked = 0;
    for role in ["user", "support", "auditor", "nobody", "key"] {
        let change = "update account set role = $1 where email = $2";
        if !["nobody", "key"].contains(&role) {
            sqlx::query(change).bind(role).bind(&buyer.email).execute(&market.db).await.unwrap();
        }
        let token = match role {
            "nobody" => None,
            "key" => Some(&buyer.key),
            _ => Some(&buyer.token),
        };
        let signed = |request: reqwest::RequestBuilder| match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let status = if role == "nobody" { 401 } else { 403 };
        for (method, path) in &doors {
            let request = signed(market.request(method.clone(), path));
            let answer = Answer::to(request.json(&body)).await;
            assert_eq!(answer.status, status, "{role} at {method} {path}: {}", answer.text);
            asked += 1;
        }
        for function in functions {
            let request =
                signed(market.post(&format!("/_fn/{function}"))).header("accept", "application/json");
            let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
            let answer = Answer::to(request).await;
            assert!(answer.status >= 400, "{role} at {function}: {} {}", answer.status, answer.text);
            asked += 1;
        }
        let page = signed(market.get("/admin/vendors"));
        let page = Answer::to(page).await;
        assert!(!page.text.contains("Lantern") && !page.text.contains("last"), "{role} sees the page");
    }
    assert_eq!(market.count(state).await, before);
    let page = operator.page("/admin/vendors").await.expect(200).text;
    assert!(page.replace("<!>", "").contains("…last</code>") && !page.contains("sk-lantern"), "{page}");
    println!("{asked} doors tried by five who are no admins, none opened");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_vendor_is_refused_with_the_field() {
    let market = keyless(Pace::Instant, &[]).await;
    let operator = market.operator().await;
    let good = json!({ "id": "lantern", "name": "Lantern", "base_url": "https://lantern.example/v1", "reason": "new" });
    for (field, value, status) in [
        ("id", "Lantern", 400),
        ("id", "openai", 409),
        ("name", " ", 400),
        ("reason", "x", 400),
        ("base_url", "lantern.example", 400),
        ("base_url", "http://lantern.example/v1", 400),
        ("base_url", "https://127.0.0.1/v1", 400),
        ("base_url", "https://169.254.169.254/latest", 400),
        ("base_url", "https://[::ffff:10.0.0.1]/v1", 400),
        ("base_url", "https://2130706433/v1", 400),
        ("base_url", "https://me:word@lantern.example/v1", 400),
        ("base_url", "https://lantern.example/v1?x=1", 400),
        ("base_url", "file:///etc/passwd", 400),
    ] {
        let mut row = good.clone();
        row[field] = json!(value);
        let refused = operator.post("providers", &row).await.expect(status).json();
        assert_eq!(refused["field"], field, "{value}: {refused}");
    }
    operator.post("providers", &good).await.expect(201);
    operator.post("providers", &good).await.expect(409);
    for key in ["", "two words", "line\r\nx-evil: 1"] {
        let body = json!({ "key": key, "reason": "a key" });
        operator.put("providers/lantern/key", &body).await.expect(400);
    }
    let key = json!({ "key": "sk-nobody", "reason": "a key" });
    operator.put("providers/nobody/key", &key).await.expect(404);
    assert_eq!(market.count("select count(*) from vendor_secret").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_environment_sets_wins() {
    let market = Market::open_among(Pace::Instant, |simulator| Vendors {
        registry: Registry::from_settings(|name| match name {
            "GROQ_API_KEY" => Some("sk-of-the-environment".to_owned()),
            "XAI_BASE_URL" => Some(format!("http://{simulator}/xai/v1")),
            _ => None,
        })
        .unwrap(),
        egress: simulator.to_string(),
        own_models: None,
    })
    .await;
    let operator = market.operator().await;
    let (key, address) = (json!({ "key": "sk-other", "reason": "another" }), market.simulated_url("evil"));
    let address = json!({ "base_url": address, "reason": "another" });
    for (path, body) in [("groq/key", &key), ("groq/address", &address), ("xai/address", &address)] {
        let refused = operator.put(&format!("providers/{path}"), body).await.expect(409);
        assert!(refused.text.contains("environment"), "{}", refused.text);
    }
    operator.put("providers/xai/key", &key).await.expect(204);
    let listed = operator.get("providers").await.expect(200).text;
    assert!(listed.contains("\"key\":\"environment\"") && !listed.contains("sk-"), "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_told_without_a_word_of_the_vendors_and_the_operator_is_alerted() {
    let market = keyless(Pace::Instant, &[]).await;
    let (operator, buyer) = (market.operator().await, market.paying_buyer().await);
    add_lantern(&market, &operator, "wrong").await;
    let before = buyer.available().await;
    for stream in [false, true] {
        let answer = Answer::to(buyer.chat(&question("Hello", stream))).await.expect(502);
        assert!(answer.text.contains("operator's key was refused"), "{}", answer.text);
        for word in ["Incorrect", "invalid_api_key", "wrong"] {
            assert!(!answer.text.contains(word), "{word} is the vendor's: {}", answer.text);
        }
    }
    assert_eq!(buyer.available().await, before);
    assert_eq!(market.count("select count(*) from hold where state = 'open'").await, 0);
    assert_eq!(market.count("select coalesce(sum(charge), 0)::bigint from usage_call").await, 0);
    until_refused(&operator, true).await;
    let gauge = "mercato_provider_key_refused{provider=\"lantern\"} 1";
    let metrics = async || Answer::to(market.get("/metrics")).await.expect(200).text;
    assert!(metrics().await.contains(gauge));
    for page in ["/admin", "/admin/vendors"] {
        let text = operator.page(page).await.expect(200).text;
        assert!(text.contains("refuses our key since"), "{page} does not say it");
    }
    // A new key ends it, and so does an answer after the vendor was wrong about a good one.
    set_key(&operator, "sk-lantern-good").await;
    until_refused(&operator, false).await;
    assert!(!metrics().await.contains(gauge));
    Answer::to(buyer.chat(&question("Hello [[simulate: unauthorized]]", false))).await.expect(502);
    until_refused(&operator, true).await;
    ask(&buyer).await.expect(200);
    until_refused(&operator, false).await;
    market.assert_books_balance().await;
}

/// Waits until the operator is told so; what servers note is seen by all within a second or so.
async fn until_refused(operator: &Operator<'_>, refused: bool) {
    for _ in 0..100 {
        if lantern(operator).await["refused_since"].is_string() == refused {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }
    panic!("after three seconds lantern is still told otherwise than refused = {refused}");
}

/// Somebody who hears everything that is sent to an address and says nothing.
struct Listener {
    addr: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Listener {
    async fn open() -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let (addr, heard) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<u8>>>::default());
        let kept = heard.clone();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut buffer = vec![0; 64 << 10];
                let read = socket.read(&mut buffer).await.unwrap_or(0);
                kept.lock().unwrap().extend_from_slice(&buffer[..read]);
            }
        });
        Self { addr, heard }
    }

    fn heard(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().unwrap()).into_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_at_a_vendors_new_address_never_sees_the_old_key() {
    let elsewhere = Listener::open().await;
    let market = keyless(Pace::Instant, &[elsewhere.addr]).await;
    let (operator, buyer) = (market.operator().await, market.paying_buyer().await);
    add_lantern(&market, &operator, "sk-old-key-of-lantern").await;
    ask(&buyer).await.expect(200);
    let moved = json!({ "base_url": format!("http://{}/v1", elsewhere.addr), "reason": "they moved" });
    operator.put("providers/lantern/address", &moved).await.expect(204);
    ask(&buyer).await.expect(503);
    assert_eq!(lantern(&operator).await["key"], "missing");
    assert_eq!(elsewhere.heard(), "", "the next call did not fail closed");
    set_key(&operator, "sk-new-key-of-lantern").await;
    ask(&buyer).await.expect(502);
    let heard = elsewhere.heard();
    assert!(heard.contains("Bearer sk-new-key-of-lantern") && !heard.contains("sk-old"), "{heard}");
    let cleared = "select count(*) from audit_event where action = 'vendor.set' and (detail ->> 'key_cleared')::boolean";
    assert_eq!(market.count(cleared).await, 1);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_sealed_for_one_host_is_not_used_at_another_whatever_the_rows_say() {
    let elsewhere = Listener::open().await;
    let market = keyless(Pace::Instant, &[elsewhere.addr]).await;
    let (operator, buyer) = (market.operator().await, market.paying_buyer().await);
    add_lantern(&market, &operator, "sk-old-key-of-lantern").await;
    // Somebody with every right in the database, who cannot seal.
    for (sql, state) in [
        ("update vendor set base_url = $1, version = version + 1", "other_address"),
        (
            "update vendor_secret set host = regexp_replace($1, '/v1$', ''), version = version + 1",
            "unreadable",
        ),
        ("update vendor_secret set version = version - 1, changed_by = $1", "unreadable"),
    ] {
        let base_url = format!("http://{}/v1", elsewhere.addr);
        sqlx::query(sql).bind(base_url).execute(&market.db).await.unwrap();
        assert_eq!(lantern(&operator).await["key"], state, "after {sql}");
        ask(&buyer).await.expect(503);
    }
    assert_eq!(elsewhere.heard(), "");
}
