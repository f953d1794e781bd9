//! Counting tokens ourselves where a vendor did not, with the vocabulary of OpenAI's newer models.
//!
//! No other vendor publishes its own. Theirs cut most texts into as many pieces or more, so the buyer is favoured.

use std::collections::BTreeMap;

use marketplace::chat::{ChatEvent, ChatRequest, Content};
use marketplace::quote::PromptSize;
use serde_json::Value;
use tokio::task::spawn_blocking;
use tracing::error;

/// What stands around a conversation and around each of its messages.
const CONVERSATION_TOKENS: u64 = 3;
const MESSAGE_TOKENS: u64 = 4;

/// How many tokens these texts come to, each by itself. Nothing, if they could not be counted.
///
/// Elsewhere than here: the vocabulary is read when it is needed first, and long texts take their time.
pub(crate) async fn count_each(texts: Vec<String>) -> Option<u64> {
    let counted = spawn_blocking(move || texts.iter().map(|text| count(text)).sum());
    counted.await.inspect_err(|cause| error!(%cause, "texts could not be counted")).ok()
}

/// What a conversation and its answer come to: tokens of the prompt, and of what was said.
pub(crate) async fn count_call(request: &ChatRequest, said: Said) -> Option<(u64, u64)> {
    let (texts, beside) = told(request);
    let input = count_each(texts).await? + beside;
    // The hold is for no more than this.
    Some((input.min(request.prompt_size().tokens_max), said.tokens().await?))
}

/// An answer, or several to one question, for whoever has to count them: how each begins, and how long they are in all.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Apart, for several are told by turns, and words of two are not one.
    beginnings: BTreeMap<u32, String>,
    bytes: usize,
}

impl Said {
    /// A book's chapter. What follows is taken to be cut like it, so that nobody keeps long answers for this.
    const KEPT_BYTES: usize = 64 << 10;

    pub fn note(&mut self, event: &ChatEvent) {
        let (choice, event) = event.of_choice();
        match event {
            ChatEvent::Text(text) | ChatEvent::Reasoning(text) | ChatEvent::Refusal(text) => {
                self.add(choice, text);
            }
            ChatEvent::ToolCall { name, arguments, .. } => {
                self.add(choice, name.as_deref().unwrap_or_default());
                self.add(choice, arguments);
            }
            _ => {}
        }
    }

    fn add(&mut self, choice: u32, text: &str) {
        if self.kept() < Self::KEPT_BYTES {
            self.beginnings.entry(choice).or_default().push_str(text);
        }
        self.bytes += text.len();
    }

    fn kept(&self) -> usize {
        self.beginnings.values().map(String::len).sum()
    }

    async fn tokens(self) -> Option<u64> {
        let (kept, all) = (self.kept() as u64, self.bytes as u64);
        let tokens = count_each(self.beginnings.into_values().collect()).await?;
        Some((tokens * all).checked_div(kept).unwrap_or_default())
    }
}

fn count(text: &str) -> u64 {
    bpe_openai::o200k_base().count(text) as u64
}

/// The texts of a prompt, and the tokens of what is no text: pictures, and what stands around each message.
fn told(request: &ChatRequest) -> (Vec<String>, u64) {
    let (mut texts, mut beside) = (Vec::new(), CONVERSATION_TOKENS);
    for message in &request.messages {
        beside += MESSAGE_TOKENS;
        texts.extend(message.rest.values().map(written));
        match &message.content {
            Content::Text(text) => texts.push(text.clone()),
            Content::Parts(parts) => {
                for part in parts {
                    match part.get("text") {
                        Some(Value::String(text)) => texts.push(text.clone()),
                        _ => beside += PromptSize::IMAGE_TOKENS_LIKELY,
                    }
                }
            }
            Content::Absent => {}
        }
    }
    for field in ["tools", "functions", "response_format"] {
        if let Some(value) = request.options.get(field) {
            beside += MESSAGE_TOKENS;
            texts.push(written(value));
        }
    }
    (texts, beside)
}

fn written(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use marketplace::chat::{Delivery, Message, Role};
    use marketplace::id::ModelId;
    use serde_json::{Map, json};

    use super::*;

    /// Texts of many kinds.
    const TEXTS: [(&str, &str); 8] = [
        (
            "prose",
            "The lamp of a lighthouse was first lit with wood, then with oil, and since 1875 with electricity. Ships steer by it; whoever keeps it sleeps little.",
        ),
        (
            "German",
            "Die Bürgermeisterin ließ den Leuchtturm überstreichen, obwohl die Rücklagen längst verbraucht waren.",
        ),
        (
            "code",
            "fn main() {\n    let names = vec![\"Ada\", \"Grace\"];\n    for (i, name) in names.iter().enumerate() {\n        println!(\"{i}: {name}\");\n    }\n}\n",
        ),
        (
            "JSON",
            "{\"id\":\"call_01\",\"amount_nanos\":\"1250000\",\"tags\":[\"a\",\"b\"],\"nested\":{\"ok\":true,\"rate\":0.25}}",
        ),
        ("Chinese", "灯塔最初用木柴点燃，后来改用油灯，自一八七五年起使用电力。"),
        ("Japanese", "灯台は最初、薪で灯され、その後は油、そして電気で灯されるようになりました。"),
        ("emoji", "Done ✅ – ship it 🚢🌊 👩‍👩‍👧‍👦 👋🏽, see you at the 🏖️!"),
        (
            "Markdown",
            "## Steps\n\n1. **Open** the door\n2. Walk *slowly*\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
        ),
    ];

    /// Another program, which reads the same vocabulary in its own way.
    fn counted_elsewhere(text: &str) -> u64 {
        tiktoken_rs::o200k_base_singleton().encode_ordinary(text).len() as u64
    }

    #[test]
    fn texts_of_every_kind_are_counted_as_another_program_counts_them() {
        for (kind, text) in TEXTS {
            for text in [text.to_owned(), text.repeat(40)] {
                let (counted, expected) = (count(&text), counted_elsewhere(&text));
                let bytes = text.len() as u64;
                println!("{kind}: {counted} tokens, elsewhere {expected}, by bytes {}", bytes / 4);
                assert!(
                    counted.abs_diff(expected) * 20 <= expected,
                    "{kind}: {counted}, elsewhere {expected}"
                );
                assert!(counted <= bytes, "{kind}: more tokens than bytes");
            }
        }
    }

    #[tokio::test]
    async fn of_a_long_answer_the_beginning_is_counted_and_the_rest_is_like_it() {
        let (_, prose) = TEXTS[0];
        let mut said = Said::default();
        for _ in 0..2_000 {
            said.note(&ChatEvent::Text(prose.to_owned()));
        }
        assert!(said.kept() < Said::KEPT_BYTES + prose.len());
        let (counted, expected) = (said.tokens().await.unwrap(), counted_elsewhere(&prose.repeat(2_000)));
        assert!(counted.abs_diff(expected) * 20 <= expected, "{counted}, in all {expected}");
        assert_eq!(Said::default().tokens().await, Some(0));
    }

    #[tokio::test]
    async fn several_answers_told_by_turns_are_counted_each_by_itself() {
        let (_, prose) = TEXTS[0];
        let mut said = Said::default();
        for letter in prose.chars() {
            for choice in 0..3 {
                said.note(&ChatEvent::Text(letter.to_string()).in_choice(choice));
            }
        }
        assert_eq!(said.tokens().await, Some(3 * count(prose)));
    }

    #[tokio::test]
    async fn a_prompt_never_comes_to_more_than_is_held_for_it() {
        let parts = json!([
            {"type": "text", "text": "🏖️ what is this?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}},
        ]);
        for content in TEXTS.map(|(_, text)| json!(text)).into_iter().chain([json!(""), parts]) {
            let request = ChatRequest {
                model: ModelId::parse("author/model").unwrap(),
                messages: vec![
                    Message::text(Role::System, "e"),
                    serde_json::from_value(json!({"role": "user", "content": content, "name": "x"})).unwrap(),
                ],
                max_output_tokens: None,
                stream: Delivery::Whole,
                options: Map::from_iter([("tools".to_owned(), json!([{"function": {"name": "f"}}]))]),
            };
            let mut said = Said::default();
            said.note(&ChatEvent::Text("Hello there".to_owned()));
            let (input, output) = count_call(&request, said).await.unwrap();
            let (texts, beside) = told(&request);
            let all: u64 = texts.iter().map(|text| count(text)).sum::<u64>() + beside;
            assert_eq!((input, output), (all, 2), "nothing had to be cut off");
            assert!(input <= request.prompt_size().tokens_max);
        }
    }
}
