//! Somebody with an account, who pays, makes keys and chats.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, Market, nanos};

pub const PASSWORD: &str = "quiet-harbour-lantern-73";

pub struct Buyer<'m> {
    pub market: &'m Market,
    pub email: String,
    /// The session's token, for our own routes.
    pub token: String,
    /// The secret of an API key, for compatible ones.
    pub key: String,
}

impl Market {
    /// Signs somebody up, with an API key and nothing to spend.
    pub async fn buyer(&self) -> Buyer<'_> {
        let email = format!("buyer-{}@example.org", Uuid::now_v7().simple());
        let account = json!({ "email": email, "password": PASSWORD });
        let answer = Answer::to(self.post("/api/v1/auth/register").json(&account)).await.expect(201);
        let token = answer.json()["token"].as_str().unwrap().to_owned();
        let mut buyer = Buyer { market: self, email, token, key: String::new() };
        buyer.key = buyer.make_key(json!({ "name": "test" })).await["key"].as_str().unwrap().to_owned();
        buyer
    }

    /// Signs somebody up who has paid ten dollars in.
    pub async fn paying_buyer(&self) -> Buyer<'_> {
        let buyer = self.buyer().await;
        buyer.pay_in("10.00").await;
        buyer
    }
}

impl Buyer<'_> {
    /// A request by this person rather than by one of their programs.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(self.market.get(path).bearer_auth(&self.token)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::to(self.market.post(path).bearer_auth(&self.token).json(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        let asked = self.market.request(Method::PUT, path).bearer_auth(&self.token);
        Answer::to(asked.json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        Answer::to(self.market.delete(path).bearer_auth(&self.token)).await
    }

    pub fn cookie(&self) -> String {
        format!("__Host-session={}", self.token)
    }

    pub async fn make_key(&self, key: Value) -> Value {
        self.post("/api/v1/keys", &key).await.expect(201).json()
    }

    /// Orders a payment that is still to be made.
    pub async fn order(&self, amount_usd: &str) -> Value {
        self.post("/api/v1/top-ups", &json!({ "amount_usd": amount_usd })).await.expect(201).json()
    }

    /// Chooses an outcome on the test gateway's page.
    pub async fn choose(&self, top_up: &Value, outcome: &str) -> Answer {
        let page = self.market.post(top_up["checkout_url"].as_str().unwrap());
        let form = page.header("content-type", "application/x-www-form-urlencoded");
        Answer::to(form.bearer_auth(&self.token).body(format!("outcome={outcome}"))).await
    }

    pub async fn pay_in(&self, amount_usd: &str) {
        let top_up = self.order(amount_usd).await;
        self.choose(&top_up, "paid").await.expect(303);
    }

    pub async fn balance(&self) -> Value {
        self.get("/api/v1/balance").await.expect(200).json()
    }

    pub async fn available(&self) -> i64 {
        nanos(&self.balance().await["available_nanos"])
    }

    pub async fn receipt(&self, call_id: &str) -> Value {
        self.get(&format!("/api/v1/receipts/{call_id}")).await.expect(200).json()
    }

    /// A chat completion by API key, yet to be sent.
    pub fn chat(&self, body: &Value) -> RequestBuilder {
        self.market.post("/v1/chat/completions").bearer_auth(&self.key).json(body)
    }
}

impl Market {
    /// The amounts that one call moved in its buyer's wallet.
    pub async fn debits(&self, call_id: &str) -> Vec<i64> {
        let call = Uuid::parse_str(call_id).unwrap();
        sqlx::query_scalar(
            "select e.amount from ledger_entry e join ledger_tx using (tx_id)
            where ledger_tx.call_id = $1 and e.fund = 'paid'",
        )
        .bind(call)
        .fetch_all(&self.db)
        .await
        .unwrap()
    }
}
