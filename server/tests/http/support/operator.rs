//! Somebody who runs the market.

use engine::Actor;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Answer, Market, PASSWORD};

pub struct Operator<'m> {
    market: &'m Market,
    token: String,
}

impl Market {
    pub async fn operator(&self) -> Operator<'_> {
        let email = "keeper@example.org";
        self.engine.create_admin(&Actor::Operator, email, PASSWORD).await.unwrap();
        let who = json!({ "email": email, "password": PASSWORD });
        let answer = Answer::to(self.post("/api/v1/auth/login").json(&who)).await.expect(200);
        Operator { market: self, token: answer.json()["token"].as_str().unwrap().to_owned() }
    }
}

impl Operator<'_> {
    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(self.market.get(&format!("/api/v1/admin/{path}")).bearer_auth(&self.token)).await
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, body).await
    }

    pub async fn delete(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::DELETE, path, body).await
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.market.request(method, &format!("/api/v1/admin/{path}"));
        Answer::to(request.bearer_auth(&self.token).json(body)).await
    }

    /// One of the pages for operators.
    pub async fn page(&self, path: &str) -> Answer {
        Answer::to(self.market.get(path).header("cookie", format!("__Host-session={}", self.token))).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::to(self.request(path).json(body)).await
    }

    /// A text of comma-separated values.
    pub async fn post_csv(&self, path: &str, text: &str) -> Answer {
        Answer::to(self.request(path).header("content-type", "text/csv").body(text.to_owned())).await
    }

    /// What runs on machines of the market's own, found now rather than whenever the market looks by itself.
    pub async fn find_local_models(&self) -> Value {
        let found = self.post("local-models", &json!({})).await.expect(200).json();
        assert_eq!(found["silent"], json!([]));
        found["data"].clone()
    }

    fn request(&self, path: &str) -> RequestBuilder {
        self.market.post(&format!("/api/v1/admin/{path}")).bearer_auth(&self.token)
    }
}
