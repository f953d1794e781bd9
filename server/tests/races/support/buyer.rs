//! Somebody with an account and money to race for.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Fleet;

pub struct Buyer {
    /// The secret of an API key without a limit.
    pub key: String,
    pub account: Uuid,
    token: String,
    base: String,
    client: reqwest::Client,
}

impl Fleet {
    /// Signs somebody up at one of the servers.
    pub async fn buyer(&self, server: usize) -> Buyer {
        let (base, client) = (self.servers[server].base.clone(), self.client.clone());
        let email = format!("racer-{}@example.org", Uuid::now_v7().simple());
        let body = json!({ "email": email, "password": "quiet-harbour-lantern-73" });
        let mut buyer =
            Buyer { key: String::new(), account: Uuid::nil(), token: String::new(), base, client };
        let session = json_of(buyer.send(Method::POST, "/api/v1/auth/register", &body).await, 201).await;
        buyer.token = session["token"].as_str().unwrap().to_owned();
        buyer.key = buyer.make_key(json!({ "name": "racer" })).await;
        buyer.account = sqlx::query_scalar("select account_id from account where email = $1")
            .bind(&email)
            .fetch_one(&self.db)
            .await
            .unwrap();
        buyer
    }
}

impl Buyer {
    /// Makes a key and answers its secret.
    pub async fn make_key(&self, key: Value) -> String {
        let made = json_of(self.send(Method::POST, "/api/v1/keys", &key).await, 201).await;
        made["key"].as_str().unwrap().to_owned()
    }

    /// Pays in through the test gateway.
    pub async fn pay_in(&self, amount_usd: &str) {
        let order = self.send(Method::POST, "/api/v1/top-ups", &json!({ "amount_usd": amount_usd })).await;
        let order = json_of(order, 201).await;
        let page = self.request(Method::POST, order["checkout_url"].as_str().unwrap());
        let form = page.header("content-type", "application/x-www-form-urlencoded").body("outcome=paid");
        assert_eq!(form.send().await.unwrap().status(), 303);
    }

    /// Limits what the whole account may spend from now on and has spent before.
    pub async fn limit(&self, fleet: &Fleet, nanos: i64) {
        let set = sqlx::query_scalar("select ledger.set_budget($1, 'account', '', $2, null)");
        let outcome: String = set.bind(self.account).bind(nanos).fetch_one(&fleet.db).await.unwrap();
        assert_eq!(outcome, "set");
    }

    pub async fn available(&self) -> i64 {
        let balance = self.request(Method::GET, "/api/v1/balance").send().await.unwrap();
        json_of(balance, 200).await["available_nanos"].as_str().unwrap().parse().unwrap()
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        request.bearer_auth(&self.token).timeout(Duration::from_secs(60))
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        self.request(method, path).json(body).send().await.unwrap()
    }
}

async fn json_of(answer: Response, status: u16) -> Value {
    let (found, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    assert_eq!(found, status, "{text}");
    serde_json::from_str(&text).unwrap()
}
