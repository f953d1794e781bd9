//! One call as its client sees it, whatever becomes of the server.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use reqwest::{Client, Response};
use serde::Serialize;
use serde_json::{Value, json};

/// No call of these tests takes longer, unless its server is gone.
const PATIENCE: Duration = Duration::from_secs(90);

/// What to ask for, and how.
#[derive(Clone, Debug)]
pub struct Order {
    pub model: String,
    pub text: String,
    pub scenario: String,
    pub streamed: bool,
    pub max_tokens: Option<u64>,
    /// Dollars.
    pub max_cost: Option<&'static str>,
    /// The run it belongs to, and how many dollars that may cost in all.
    pub run: Option<(String, String)>,
    /// The `Idempotency-Key`.
    pub once: Option<String>,
    /// How long to wait before reading what comes.
    pub dawdling: Duration,
    /// When to hang up.
    pub leaving: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    /// Said to be complete.
    Whole,
    /// Refused, or said to have failed.
    Failed,
    /// We hung up, as planned or for want of patience.
    Left,
    /// The connection broke, or could not be made.
    Cut,
}

/// What a client saw of a call.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    pub call_id: Option<String>,
    pub server: usize,
    pub model: String,
    pub scenario: String,
    pub streamed: bool,
    pub prompt_bytes: usize,
    /// Zero if there was no answer.
    pub status: u16,
    /// Of text and reasoning.
    pub bytes: usize,
    pub told_charge: Option<String>,
    pub told_hold: Option<String>,
    pub ended: Ended,
    pub complaint: Option<String>,
    /// The code of a complaint.
    #[serde(skip)]
    pub code: Option<String>,
    /// It was the answer to an earlier request once more.
    #[serde(skip)]
    pub is_repeated: bool,
    #[serde(skip)]
    pub asked_at: Instant,
    #[serde(skip)]
    pub answered_at: Option<Instant>,
}

impl Order {
    pub fn of(model: &str, text: &str, scenario: &str) -> Self {
        Self {
            model: model.to_owned(),
            text: text.to_owned(),
            scenario: scenario.to_owned(),
            streamed: true,
            max_tokens: None,
            max_cost: None,
            run: None,
            once: None,
            dawdling: Duration::ZERO,
            leaving: None,
        }
    }

    fn prompt(&self) -> String {
        format!("{} [[simulate: {}]]", self.text, self.scenario)
    }

    fn body(&self) -> Value {
        let mut body =
            json!({ "model": self.model, "messages": [{ "role": "user", "content": self.prompt() }] });
        if self.streamed {
            body["stream"] = json!(true);
            body["stream_options"] = json!({ "include_usage": true });
        }
        if let Some(tokens) = self.max_tokens {
            body["max_tokens"] = json!(tokens);
        }
        if let Some(cost) = self.max_cost {
            body["max_cost"] = json!(cost);
        }
        if let Some((run, cost)) = &self.run {
            (body["run_id"], body["max_run_cost"]) = (json!(run), json!(cost));
        }
        body
    }

    /// Asks, reads as long as there is something to read, and says what was seen.
    pub async fn ask(&self, client: &Client, (server, base): (usize, &str), key: &str) -> Seen {
        let mut seen = Seen {
            call_id: None,
            server,
            model: self.model.clone(),
            scenario: self.scenario.clone(),
            streamed: self.streamed,
            prompt_bytes: self.prompt().len(),
            status: 0,
            bytes: 0,
            told_charge: None,
            told_hold: None,
            ended: Ended::Cut,
            complaint: None,
            code: None,
            is_repeated: false,
            asked_at: Instant::now(),
            answered_at: None,
        };
        let mut request =
            client.post(format!("{base}/v1/chat/completions")).bearer_auth(key).json(&self.body());
        if let Some(once) = &self.once {
            request = request.header("idempotency-key", once);
        }
        let asking = async {
            let Ok(response) = request.send().await else { return };
            tokio::time::sleep(self.dawdling).await;
            seen.read(response, self.streamed).await;
        };
        if tokio::time::timeout(self.leaving.unwrap_or(PATIENCE), asking).await.is_err() {
            seen.ended = Ended::Left;
        }
        seen
    }
}

impl Seen {
    async fn read(&mut self, response: Response, streamed: bool) {
        self.answered_at = Some(Instant::now());
        self.status = response.status().as_u16();
        let id = response.headers().get("x-generation-id");
        self.call_id = id.map(|id| id.to_str().unwrap().to_owned());
        self.is_repeated = response.headers().contains_key("idempotent-replayed");
        if streamed && self.status == 200 {
            return self.read_stream(response).await;
        }
        let Ok(body) = response.json::<Value>().await else { return };
        self.complain(&body);
        if self.status == 200 {
            self.ended = Ended::Whole;
            self.take(&body["choices"][0]["message"]);
            self.be_told(&body["usage"]);
        }
    }

    async fn read_stream(&mut self, response: Response) {
        let (mut body, mut waiting) = (response.bytes_stream(), Vec::new());
        while let Some(Ok(bytes)) = body.next().await {
            waiting.extend_from_slice(&bytes);
            let mut read = 0;
            while let Some(end) = waiting[read..].windows(2).position(|two| two == b"\n\n") {
                self.take_event(&String::from_utf8_lossy(&waiting[read..read + end]));
                read += end + 2;
            }
            waiting.drain(..read);
        }
    }

    fn take_event(&mut self, event: &str) {
        let Some(data) = event.strip_prefix("data: ") else { return };
        if data == "[DONE]" {
            self.ended = Ended::Whole;
            return;
        }
        let chunk: Value = serde_json::from_str(data).unwrap();
        self.complain(&chunk);
        self.take(&chunk["choices"][0]["delta"]);
        self.be_told(&chunk["usage"]);
    }

    fn take(&mut self, said: &Value) {
        let length = |field: &str| said[field].as_str().map_or(0, str::len);
        self.bytes += length("content") + length("reasoning");
    }

    fn be_told(&mut self, usage: &Value) {
        let told = |field: &str| usage["cost_details"][field].as_str().map(str::to_owned);
        self.told_charge = told("charge_nanos").or(self.told_charge.take());
        self.told_hold = told("hold_nanos").or(self.told_hold.take());
    }

    fn complain(&mut self, body: &Value) {
        if let Some(message) = body["error"]["message"].as_str() {
            self.complaint = Some(message.to_owned());
            self.code = body["error"]["code"].as_str().map(str::to_owned);
            self.ended = Ended::Failed;
        }
    }
}
