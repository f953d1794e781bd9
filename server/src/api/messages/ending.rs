//! How an answer ended and what was used, in Anthropic's words.

use marketplace::chat::Finish;
use marketplace::receipt::Settlement;
use marketplace::usage::Usage;
use serde_json::{Value, json};

use crate::api::sale::with_cost;

/// What of an answer decides how it is said to have ended.
#[derive(Clone, Debug, Default)]
pub struct Course {
    /// The stop sequences that were asked for.
    pub stops: Vec<String>,
    pub has_calls: bool,
    pub is_refusal: bool,
}

impl Course {
    /// `stop_reason` and `stop_sequence`.
    pub fn stop(&self, finish: Finish, native: &str) -> (&'static str, Option<&str>) {
        match (finish, native) {
            // Which one it was is known where there was only one.
            (_, "stop_sequence") => ("stop_sequence", self.only_stop()),
            (_, "model_context_window_exceeded") => ("model_context_window_exceeded", None),
            (Finish::Length, _) => ("max_tokens", None),
            (Finish::ContentFilter, _) => ("refusal", None),
            _ if self.is_refusal => ("refusal", None),
            // Some vendors say that a forced call simply stopped; clients run tools only when told of them.
            (Finish::ToolCalls, _) | (Finish::Stop, _) if self.has_calls => ("tool_use", None),
            (Finish::ToolCalls | Finish::Stop | Finish::Error, _) => ("end_turn", None),
        }
    }

    fn only_stop(&self) -> Option<&str> {
        match self.stops.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }
}

/// What was used and what it cost. Here the cached part of a prompt stands beside the input, not inside it.
pub fn usage(settlement: &Settlement) -> Value {
    let tokens = &settlement.usage;
    let counted = json!({
        "input_tokens": tokens.input,
        "cache_creation_input_tokens": tokens.cache_write + tokens.cache_write_1h,
        "cache_read_input_tokens": tokens.cached_input,
        "cache_creation": {
            "ephemeral_5m_input_tokens": tokens.cache_write, "ephemeral_1h_input_tokens": tokens.cache_write_1h,
        },
        "output_tokens": tokens.output_total(),
        "output_tokens_details": { "thinking_tokens": tokens.reasoning },
        "service_tier": "standard",
    });
    with_cost(counted, settlement)
}

/// What is known of the usage when the answer begins: the vendor's count of the prompt, or else our estimate.
pub fn first_usage(counted: Option<Usage>, estimate: u64) -> Value {
    let counted = counted.filter(|usage| usage.input_tokens.is_some()).map(|usage| Usage {
        // Nothing is written yet, whatever placeholder the vendor has for it.
        output_tokens: Some(0),
        reasoning_tokens: None,
        ..usage
    });
    let (input, written, read) = match counted.map(|usage| usage.billable()) {
        Some(Ok(tokens)) => (tokens.input, tokens.cache_write + tokens.cache_write_1h, tokens.cached_input),
        _ => (estimate, 0, 0),
    };
    json!({
        "input_tokens": input, "cache_creation_input_tokens": written, "cache_read_input_tokens": read,
        "output_tokens": 0, "service_tier": "standard",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_has_a_word_of_anthropics() {
        let course = |has_calls, is_refusal| Course { stops: vec!["END".to_owned()], has_calls, is_refusal };
        let plain = course(false, false);
        for (finish, native, reason) in [
            (Finish::Stop, "stop", "end_turn"),
            (Finish::Stop, "end_turn", "end_turn"),
            (Finish::Stop, "stopped", "end_turn"),
            (Finish::Length, "length", "max_tokens"),
            (Finish::Length, "model_context_window_exceeded", "model_context_window_exceeded"),
            (Finish::ContentFilter, "content_filter", "refusal"),
        ] {
            assert_eq!(plain.stop(finish, native), (reason, None), "{native}");
        }
        assert_eq!(plain.stop(Finish::Stop, "stop_sequence"), ("stop_sequence", Some("END")));
        assert_eq!(course(true, false).stop(Finish::Stop, "stop"), ("tool_use", None));
        assert_eq!(course(true, false).stop(Finish::ToolCalls, "tool_calls"), ("tool_use", None));
        assert_eq!(course(false, true).stop(Finish::Stop, "stop"), ("refusal", None));
    }

    #[test]
    fn what_is_cached_is_not_counted_twice() {
        let counted = Usage {
            input_tokens: Some(100),
            cached_input_tokens: Some(60),
            cache_write_tokens: Some(10),
            output_tokens: Some(1),
            ..Usage::default()
        };
        let usage = first_usage(Some(counted), 7);
        assert_eq!(
            (
                &usage["input_tokens"],
                &usage["cache_read_input_tokens"],
                &usage["cache_creation_input_tokens"]
            ),
            (&json!(30), &json!(60), &json!(10))
        );
        assert_eq!(first_usage(None, 7)["input_tokens"], 7);
        assert_eq!(first_usage(Some(Usage { input_tokens: Some(-1), ..counted }), 7)["input_tokens"], 7);
    }
}
