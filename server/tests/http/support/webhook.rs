//! Events of the test gateway, signed as it signs them; the key is derived here from the master key once more.

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac;
use chrono::Utc;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, MASTER_KEY, Market};

const SIGNATURE_HEADER: &str = "mercato-signature";

pub struct Webhook {
    pub processor: &'static str,
    pub body: Vec<u8>,
    pub signature: String,
}

impl Webhook {
    /// The event that a payment was made as ordered.
    pub fn paid(top_up: &Value) -> Self {
        Self::about(top_up, top_up["amount_nanos"].as_str().unwrap())
    }

    /// The event that some amount was paid for an order.
    pub fn about(top_up: &Value, amount_nanos: &str) -> Self {
        Self::told(top_up, "paid", amount_nanos)
    }

    /// Any news of an order: `paid`, `declined`, `refunded` or `charged_back`.
    pub fn told(top_up: &Value, kind: &str, amount_nanos: &str) -> Self {
        let event = json!({
            "id": format!("evt_{}", Uuid::now_v7().simple()), "type": kind,
            "payment": { "id": top_up["id"], "currency": "usd", "amount_nanos": amount_nanos },
        });
        Self { processor: "test", body: event.to_string().into_bytes(), signature: String::new() }.signed(0)
    }

    /// Signs it again, as if some seconds ago.
    pub fn signed(self, seconds_ago: i64) -> Self {
        self.signed_with(&key(), seconds_ago)
    }

    /// Signs it as somebody would who has another secret, or none.
    pub fn forged(self, secret: &[u8]) -> Self {
        self.signed_with(&hmac::Key::new(hmac::HMAC_SHA256, secret), 0)
    }

    fn signed_with(self, key: &hmac::Key, seconds_ago: i64) -> Self {
        let at = Utc::now().timestamp() - seconds_ago;
        let message = [at.to_string().as_bytes(), b".", &self.body].concat();
        let sum = hmac::sign(key, &message);
        let hex: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { signature: format!("t={at},v1={hex}"), ..self }
    }

    pub async fn send(&self, market: &Market) -> Answer {
        let request = market.post(&format!("/api/v1/webhooks/payments/{}", self.processor));
        Answer::to(request.header(SIGNATURE_HEADER, &self.signature).body(self.body.clone())).await
    }

    /// Without any signature at all.
    pub async fn send_bare(&self, market: &Market) -> Answer {
        let request = market.post(&format!("/api/v1/webhooks/payments/{}", self.processor));
        Answer::to(request.body(self.body.clone())).await
    }
}

fn key() -> hmac::Key {
    let root = Salt::new(HKDF_SHA256, b"mercato").extract(&MASTER_KEY);
    root.expand(&[b"test-gateway-webhook"], hmac::HMAC_SHA256).unwrap().into()
}
