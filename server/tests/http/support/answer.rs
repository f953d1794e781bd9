//! What came back from a request, read to its end.

use reqwest::{RequestBuilder, Response};
use serde_json::Value;

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn to(request: RequestBuilder) -> Self {
        Self::read(request.send().await.unwrap()).await
    }

    pub async fn read(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    /// Fails with everything that was answered unless the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:#?}\n{}", self.headers, self.text);
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {:?}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The `data:` lines of a stream of events.
    pub fn data_lines(&self) -> Vec<&str> {
        self.text.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
    }

    /// The chunks of a stream, without `[DONE]`.
    pub fn chunks(&self) -> Vec<Value> {
        let lines = self.data_lines().into_iter().filter(|line| *line != "[DONE]");
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The chunks of a stream that was left in the middle, perhaps of a line.
    pub fn whole_chunks(&self) -> Vec<Value> {
        self.data_lines().into_iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

/// An amount as the API writes it: a string of whole nano-dollars.
#[track_caller]
pub fn nanos(value: &Value) -> i64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value} is no amount"))
}
