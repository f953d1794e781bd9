//! Every example of the docs in Rust, run as it is written there: `end2end/clients/examples_client.py` runs the others.

use std::collections::BTreeSet;
use std::error::Error;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::support::{Answer, Buyer, Market, PASSWORD};

#[expect(clippy::print_stdout, reason = "they are written for readers")]
mod account {
    include!("../../../docs/examples/account.rs");
}
#[expect(clippy::print_stdout, reason = "they are written for readers")]
mod calls {
    include!("../../../docs/examples/calls.rs");
}
#[expect(clippy::print_stdout, reason = "they are written for readers")]
mod conversations {
    include!("../../../docs/examples/conversations.rs");
}
#[expect(clippy::print_stdout, reason = "they are written for readers")]
mod keys_and_limits {
    include!("../../../docs/examples/keys_and_limits.rs");
}
#[expect(clippy::print_stdout, reason = "they are written for readers")]
mod models {
    include!("../../../docs/examples/models.rs");
}
#[expect(clippy::print_stdout, reason = "they are written for readers")]
mod money {
    include!("../../../docs/examples/money.rs");
}
#[expect(clippy::print_stdout, reason = "they are written for readers")]
mod presets {
    include!("../../../docs/examples/presets.rs");
}

/// The name of an operation, and how it is called.
type Example = (&'static str, fn() -> Result<(), Box<dyn Error>>);

const ALL: [&[Example]; 7] = [
    account::ALL,
    calls::ALL,
    conversations::ALL,
    keys_and_limits::ALL,
    models::ALL,
    money::ALL,
    presets::ALL,
];

/// Tells the program that runs one example which.
const NAMED: &str = "MERCATO_TEST_EXAMPLE";

/// Parts of operations that cannot be had by a program alone, for the reasons that the script for the others tells.
const NOT_TRIED: [&str; 6] =
    ["/auth/verification", "/auth/keys", "/auth/reset/", "conversations/", "/statements/", "/books/blocks/"];

/// Stands where the examples say that the market is, and puts in what a reader has to put in.
#[derive(Clone)]
struct StandIn {
    client: Client,
    base: String,
    /// The name of something of the reader's, and an address.
    put_in: Arc<Mutex<(String, String)>>,
}

/// Somebody who reads the docs and has what is needed to try them.
struct Reader<'m> {
    buyer: Buyer<'m>,
    call: String,
    put_in: Arc<Mutex<(String, String)>>,
    /// Where the stand-in is asked.
    place: String,
    serving: JoinHandle<()>,
}

async fn answer(State(to): State<StandIn>, request: Request) -> (StatusCode, String) {
    let (head, body) = request.into_parts();
    assert_eq!(head.uri.authority().map(|host| host.as_str()), Some("127.0.0.1:3000"));
    let (name, email) = to.put_in.lock().unwrap().clone();
    let place = head.uri.path_and_query().unwrap().as_str();
    let place = place.replace("/ID", &format!("/{name}")).replace("=ID", &format!("={name}"));
    let body = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
    let told: HeaderMap = head
        .headers
        .into_iter()
        .filter_map(|(name, value)| Some((name?, value)))
        .filter(|(name, _)| [AUTHORIZATION, CONTENT_TYPE].contains(name))
        .collect();
    let asked = to.client.request(head.method, format!("{}{place}", to.base)).headers(told);
    let answer = asked.body(body.replace("ada@example.org", &email)).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

impl<'m> Reader<'m> {
    async fn begin(market: &'m Market) -> Self {
        let buyer = market.paying_buyer().await;
        let hello = json!({ "role": "user", "content": "Hello" });
        let body = json!({ "model": "openai/gpt-5-mini", "messages": [hello] });
        let bought = Answer::to(buyer.chat(&body)).await.expect(200);
        let call = bought.header("x-generation-id").to_owned();
        let put_in = Arc::new(Mutex::new((call.clone(), buyer.email.clone())));
        let stand_in =
            StandIn { client: market.client().clone(), base: market.base.clone(), put_in: put_in.clone() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(stand_in);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { buyer, call, put_in, place, serving }
    }

    /// A plan allows few keys, so those that were tried make room for the next.
    async fn tidy(&self) {
        let keys = self.buyer.get("/api/v1/keys").await.expect(200).json();
        for key in keys["data"].as_array().unwrap().iter().filter(|key| key["revoked"] == false) {
            if !self.buyer.key.starts_with(key["prefix"].as_str().unwrap()) {
                let id = key["id"].as_str().unwrap();
                self.buyer.delete(&format!("/api/v1/keys/{id}")).await;
            }
        }
    }

    async fn sign_in(&self) -> String {
        let who = json!({ "email": self.buyer.email, "password": PASSWORD });
        let login = self.buyer.market.post("/api/v1/auth/login").json(&who);
        Answer::to(login).await.expect(200).json()["token"].as_str().unwrap().to_owned()
    }

    async fn secret(&self, operation: &str) -> String {
        match operation {
            leaving if leaving.ends_with("/logout") => self.sign_in().await,
            of_a_key if of_a_key.ends_with("/key") => self.buyer.key.clone(),
            _ => self.buyer.token.clone(),
        }
    }

    /// The name of something that the operation can be about.
    async fn name_for(&self, operation: &str) -> String {
        let id = |told: &Value| told["id"].as_str().unwrap().to_owned();
        if operation.contains("/auth/sessions/") {
            self.sign_in().await;
            let sessions = self.buyer.get("/api/v1/auth/sessions").await.expect(200).json();
            let others = sessions["data"].as_array().unwrap().iter();
            others.filter(|session| session["is_this_one"] == false).map(id).next().unwrap()
        } else if operation.contains("/keys/") {
            id(&self.buyer.make_key(json!({ "name": "to be tried" })).await)
        } else if operation.contains("/presets/") {
            let body = json!({ "config": { "model": "openai/gpt-5-mini" } });
            let saved = self.buyer.put("/api/v1/presets/to-be-tried", &body).await.json();
            saved["slug"].as_str().unwrap().to_owned()
        } else if operation.contains("/top-ups/") {
            id(&self.buyer.order("5.00").await)
        } else {
            self.call.clone()
        }
    }

    /// Runs an example as a program of its own, which finds key and market in its environment.
    async fn run(&self, id: &str, key: &str) -> Output {
        let mut program = Command::new(std::env::current_exe().unwrap());
        program.args(["--exact", "examples::one_example", "--ignored", "--nocapture"]);
        program.env(NAMED, id).env("MERCATO_KEY", key);
        program.envs(["HTTP_PROXY", "http_proxy"].map(|name| (name, &self.place)));
        program.env_remove("NO_PROXY").env_remove("no_proxy").env_remove("REQUEST_METHOD");
        tokio::task::spawn_blocking(move || program.output().unwrap()).await.unwrap()
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[test]
#[ignore = "every_example_in_rust_runs_as_it_is_written starts it, once for each example"]
fn one_example() {
    let id = std::env::var(NAMED).unwrap();
    let (_, run) = ALL.into_iter().flatten().find(|(known, _)| *known == id).unwrap();
    run().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_in_rust_runs_as_it_is_written() {
    let market = Market::open().await;
    let reader = Reader::begin(&market).await;
    let told = Answer::to(market.get("/docs/examples.json")).await.expect(200).json();
    let (mut tried, mut failed) = (BTreeSet::new(), Vec::new());
    for example in told["data"].as_array().unwrap() {
        let (id, operation) = (example["id"].as_str().unwrap(), example["operation"].as_str().unwrap());
        if NOT_TRIED.iter().any(|part| operation.contains(part)) {
            continue;
        }
        reader.tidy().await;
        let is_new = operation.ends_with("/register");
        let stranger = || format!("reader-{}@example.org", Uuid::now_v7().simple());
        let email = if is_new { stranger() } else { reader.buyer.email.clone() };
        *reader.put_in.lock().unwrap() = (reader.name_for(operation).await, email);
        let ended = reader.run(id, &reader.secret(operation).await).await;
        let said = String::from_utf8_lossy(&ended.stdout) + String::from_utf8_lossy(&ended.stderr);
        if !ended.status.success() || !said.contains("1 passed") {
            failed.push(format!("{operation}: {said}"));
        }
        tried.insert(id.to_owned());
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    assert!(tried.len() > 45, "{tried:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_example_that_is_refused_fails() {
    let market = Market::open().await;
    let reader = Reader::begin(&market).await;
    assert!(reader.run("get_api_v1_key", &reader.buyer.key).await.status.success());
    let wrong = reader.run("get_api_v1_key", "mk_live_wrong").await;
    assert!(!wrong.status.success());
    assert!(String::from_utf8_lossy(&wrong.stdout).contains("1 failed"), "{wrong:?}");
}
