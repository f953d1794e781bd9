//! What every vendor's refusals have in common: statuses, waiting times, and keys that must not leak.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use marketplace::chat::{Failure, FailureClass};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Longer waits are as good as none: nobody waits for them.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

const MESSAGE_CHARS_MAX: usize = 1000;

/// How keys of the known vendors begin.
const KEY_PREFIXES: [&str; 10] =
    ["sk-", "sk_", "xai-", "gsk_", "pplx-", "hf_", "csk-", "tgp_", "AIza", "LLM|"];

/// A failure with a message that is safe to keep.
pub fn failure(class: FailureClass, message: impl AsRef<str>) -> Failure {
    Failure { class, message: redacted(message.as_ref()), retry_after_seconds: None }
}

/// Why we do not even ask: the request says something this vendor has no words for.
pub fn unsupported(field: &str, reason: &str) -> Failure {
    failure(FailureClass::InvalidRequest, format!("{field}: {reason}"))
}

/// The answer does not follow the vendor's own rules.
pub fn malformed(message: &str) -> Failure {
    failure(FailureClass::MalformedStream, message)
}

/// The body ended before the vendor said that the answer was complete.
pub fn truncated() -> Failure {
    failure(FailureClass::TruncatedStream, "the answer ended before it was complete")
}

/// What a status means where nothing more is said.
pub fn class_of_status(status: u16) -> FailureClass {
    match status {
        401 | 403 => FailureClass::Auth,
        402 => FailureClass::QuotaExhausted,
        404 => FailureClass::ModelNotFound,
        408 => FailureClass::Timeout,
        429 => FailureClass::RateLimited,
        // 498 is Groq's word for a full flex tier, 529 Anthropic's for overload.
        498 | 503 | 529 => FailureClass::Overloaded,
        // 424 is how inference servers report that the model behind them failed.
        424 => FailureClass::ServerError,
        400..=499 => FailureClass::InvalidRequest,
        _ => FailureClass::ServerError,
    }
}

/// What a refusal says that is no JSON, such as a gateway's page.
pub fn without_words(status: StatusCode, headers: &HeaderMap) -> Failure {
    Failure {
        retry_after_seconds: retry_after_seconds(headers),
        ..failure(class_of_status(status.as_u16()), format!("answered with status {}", status.as_u16()))
    }
}

/// How long the vendor asks us to wait, rounded up to whole seconds.
pub fn retry_after_seconds(headers: &HeaderMap) -> Option<u64> {
    let header = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let milliseconds = header("retry-after-ms").and_then(|text| text.parse().ok()).map(Duration::from_millis);
    match milliseconds {
        Some(wait) => rounded_up(wait),
        None => wait_seconds(header(RETRY_AFTER.as_str())?),
    }
}

/// How long a text asks us to wait: seconds, or a date.
pub fn wait_seconds(text: &str) -> Option<u64> {
    rounded_up(match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok()?,
        Err(_) => {
            let instant = DateTime::parse_from_rfc2822(text).ok()?;
            let now = DateTime::<Utc>::from(SystemTime::now());
            instant.signed_duration_since(now).to_std().unwrap_or_default()
        }
    })
}

fn rounded_up(wait: Duration) -> Option<u64> {
    (wait <= RETRY_AFTER_MAX).then(|| wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}

/// A vendor's words without what looks like a key, and not endlessly many of them.
fn redacted(message: &str) -> String {
    let mut text = String::with_capacity(message.len().min(MESSAGE_CHARS_MAX));
    let mut after_bearer = false;
    for word in message.split_inclusive(char::is_whitespace) {
        let is_key = after_bearer || word.contains("***") || holds_key(word);
        text.push_str(if is_key { "[key] " } else { word });
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        after_bearer = bare.to_ascii_lowercase().ends_with("bearer");
    }
    match text.char_indices().nth(MESSAGE_CHARS_MAX) {
        Some((end, _)) => text[..end].to_owned(),
        None => text.trim_end().to_owned(),
    }
}

/// Whether something in a word begins as keys do, and not in the middle of a name such as `task-force`.
fn holds_key(word: &str) -> bool {
    KEY_PREFIXES.iter().any(|prefix| {
        word.match_indices(prefix).any(|(at, _)| {
            let is_begun = word[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
            let rest = &word[at + prefix.len()..];
            !is_begun && rest.bytes().take_while(u8::is_ascii_graphic).count() >= 4
        })
    })
}

/// Reads a value of the expected shape, and takes one of any other shape for absent.
///
/// For what is told beside an answer, such as usage: an oddity there must not lose the answer.
pub fn if_readable<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    let value = Option::<Value>::deserialize(deserializer)?;
    Ok(value.and_then(|value| serde_json::from_value(value).ok()))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn wait(pairs: &[(&'static str, &str)]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        retry_after_seconds(&headers)
    }

    #[test]
    fn a_wait_is_read_in_all_its_forms() {
        assert_eq!(wait(&[("retry-after", "17")]), Some(17));
        assert_eq!(wait(&[("retry-after", "0.2")]), Some(1));
        assert_eq!(wait(&[("retry-after", "9"), ("retry-after-ms", "1093")]), Some(2));
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]), Some(0));
        let soon = DateTime::<Utc>::from(SystemTime::now() + Duration::from_secs(30)).to_rfc2822();
        assert!(matches!(wait(&[("retry-after", &soon)]), Some(28..=30)));
    }

    #[test]
    fn an_absurd_wait_is_no_wait() {
        for text in ["999999", "-1", "NaN", "inf", "soon", "", "Sun, 06 Nov 2094 08:49:37 GMT"] {
            assert_eq!(wait(&[("retry-after", text)]), None, "{text:?}");
        }
    }

    #[test]
    fn keys_are_cut_out_of_messages() {
        for text in [
            "Incorrect API key provided: sk-proj-abcdefgh. You can",
            "Incorrect API key provided: xa***ed. You can",
            "bad header `Authorization: Bearer abc123` You can",
            "key 'gsk_0123456789' You can",
            "key=sk-proj-abcdefgh You can",
            "{\"authorization\":\"Bearer abc123\",\"x\":\"hf_abcdefgh\"} You can",
            "authorization:Bearer abc123 You can",
        ] {
            let message = failure(FailureClass::Auth, text).message;
            assert!(message.contains("[key]") && message.ends_with("You can"), "{message}");
            for part in ["abcd", "xa*", "abc123", "0123"] {
                assert!(!message.contains(part), "{message}");
            }
        }
    }

    #[test]
    fn words_that_only_look_like_keys_stay() {
        let text = "The task-force took a risk-free look at sk- and hf_";
        assert_eq!(failure(FailureClass::Auth, text).message, text);
    }

    #[test]
    fn a_message_is_never_endless() {
        assert_eq!(failure(FailureClass::Auth, "ö ".repeat(5000)).message.chars().count(), MESSAGE_CHARS_MAX);
    }
}
