//! The built-in test gateway: a processor that takes no money but reports as real ones do, by signed webhook.
//!
//! The signature is Stripe's scheme: `t=<unix seconds>,v1=<hex HMAC-SHA-256 of "t.body">`, valid for five minutes
//! (<https://docs.stripe.com/webhooks#verify-manually>).

use std::time::Duration;

use chrono::Utc;
use marketplace::billing::{TopUp, TopUpState};
use marketplace::fault::{Code, Fault};
use marketplace::id::TopUpId;
use marketplace::money::Nanos;
use serde::{Deserialize, Serialize};
use store::top_up::Recorded;
use tracing::{info, warn};
use uuid::Uuid;

use crate::watch::Happened;
use crate::{Actor, Engine, Error, Result};

pub const PROCESSOR: &str = "test";
pub const SIGNATURE_HEADER: &str = "mercato-signature";
const TOLERANCE_SECONDS: i64 = 300;
const DELAY: Duration = Duration::from_secs(3);

/// What the payer chose on the gateway's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Paid,
    Declined,
    /// Paid, but reported some seconds later.
    Delayed,
}

#[derive(Debug, Serialize, Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: TopUpState,
    payment: Payment,
}

#[derive(Debug, Serialize, Deserialize)]
struct Payment {
    id: TopUpId,
    currency: String,
    #[serde(with = "marketplace::money::as_text")]
    amount_nanos: Nanos,
}

impl Engine {
    /// Plays the processor: sends the webhook to this server, over HTTP like any other processor.
    pub async fn pay_at_test_gateway(&self, actor: &Actor, id: TopUpId, outcome: Outcome) -> Result<()> {
        let top_up = self.top_up(actor, id).await?;
        if !self.0.test_gateway {
            return Err(Fault::not_found("The test gateway").into());
        }
        if top_up.state == TopUpState::Paid {
            return Err(Fault::new(Code::Conflict, "This payment was made already").into());
        }
        match outcome {
            Outcome::Paid => self.send_webhook(&top_up, TopUpState::Paid).await,
            Outcome::Declined => self.send_webhook(&top_up, TopUpState::Declined).await,
            Outcome::Delayed => {
                let engine = self.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(DELAY).await;
                    if let Err(cause) = engine.send_webhook(&top_up, TopUpState::Paid).await {
                        warn!(%cause, "a delayed payment could not be reported");
                    }
                });
                Ok(())
            }
        }
    }

    /// Acts on a webhook of the test gateway, if its signature is good and fresh.
    pub async fn receive_payment_event(
        &self,
        processor: &str,
        signature: &str,
        body: &[u8],
    ) -> Result<Recorded> {
        let acted = self.act_on_payment_event(processor, signature, body).await;
        acted.inspect_err(|_| self.0.watch.note(Happened::WebhookRefused))
    }

    async fn act_on_payment_event(&self, processor: &str, signature: &str, body: &[u8]) -> Result<Recorded> {
        if processor != PROCESSOR || !self.0.test_gateway {
            return Err(Fault::new(Code::Unavailable, "This payment processor is not configured").into());
        }
        if !self.is_signed(signature, body, Utc::now().timestamp()) {
            return Err(Fault::new(Code::Unauthenticated, "The signature of this event is not valid").into());
        }
        let event: Event =
            serde_json::from_slice(body).map_err(|_| Fault::invalid("body", "is not a payment event"))?;
        if event.payment.currency != "usd" {
            return Err(Fault::invalid("currency", "must be usd").into());
        }
        let Payment { id, amount_nanos, .. } = event.payment;
        let recorded =
            store::top_up::record_payment(&self.0.db, PROCESSOR, &event.id, id, event.kind, amount_nanos)
                .await?;
        info!(payment.id = %id, ?recorded, "recorded a payment event");
        match recorded {
            Recorded::Mismatch => Err(Fault::invalid("amount", "is not what was ordered").into()),
            Recorded::Unknown => Err(Fault::not_found("This payment").into()),
            Recorded::Credited
            | Recorded::Declined
            | Recorded::Duplicate
            | Recorded::Returned
            | Recorded::Noted => Ok(recorded),
        }
    }

    async fn send_webhook(&self, top_up: &TopUp, kind: TopUpState) -> Result<()> {
        let undelivered = |cause: String| {
            self.0.watch.note(Happened::WebhookUndelivered);
            Error::Gateway(cause)
        };
        let address =
            self.0.own_address.get().ok_or_else(|| undelivered("no address is known".to_owned()))?;
        let payment =
            Payment { id: top_up.id, currency: "usd".to_owned(), amount_nanos: top_up.amount_nanos };
        let event = Event { id: format!("evt_{}", Uuid::now_v7().simple()), kind, payment };
        let body = serde_json::to_vec(&event).map_err(|cause| undelivered(cause.to_string()))?;
        let signature = self.signature(&body, Utc::now().timestamp());
        let answer = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(10))
            .build()
            .map_err(|cause| undelivered(cause.to_string()))?
            .post(format!("{address}/api/v1/webhooks/payments/{PROCESSOR}"))
            .header(SIGNATURE_HEADER, signature)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .map_err(|cause| undelivered(cause.to_string()))?;
        match answer.status().as_u16() {
            200 => Ok(()),
            status => Err(undelivered(format!("the webhook was answered with {status}"))),
        }
    }

    fn signature(&self, body: &[u8], at: i64) -> String {
        let sum = self.0.secrets.sign_webhook(&signed_message(at, body));
        format!("t={at},v1={}", hex(&sum))
    }

    fn is_signed(&self, header: &str, body: &[u8], now: i64) -> bool {
        let fields = || header.split(',').filter_map(|field| field.trim().split_once('='));
        let Some(at) =
            fields().find(|(name, _)| *name == "t").and_then(|(_, value)| value.parse::<i64>().ok())
        else {
            return false;
        };
        let message = signed_message(at, body);
        now.abs_diff(at) <= TOLERANCE_SECONDS.unsigned_abs()
            && fields().any(|(name, value)| {
                name == "v1"
                    && unhex(value).is_some_and(|sum| self.0.secrets.webhook_is_signed(&message, &sum))
            })
    }
}

fn signed_message(at: i64, body: &[u8]) -> Vec<u8> {
    [at.to_string().as_bytes(), b".", body].concat()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}
