//! A model for sale: what it is, what it can do, what it costs, and whether it can be bought here now.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{ModelId, ProviderId};
use crate::money::{Nanos, Rate, group};
use crate::price::{Price, TakeRate};

/// Everything known about one model. An absent fact is unknown, never zero and never "no".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub id: ModelId,
    pub name: String,
    /// Who trained it.
    pub publisher: String,
    /// Who answers the call.
    pub provider: ProviderId,
    /// The name sent to the provider.
    pub upstream: String,
    pub protocol: String,
    pub kind: Kind,
    pub status: Status,
    #[serde(default)]
    pub aliases: Vec<String>,
    pub replacement: Option<ModelId>,
    pub released: Option<String>,
    pub knowledge_cutoff: Option<String>,
    pub retires: Option<NaiveDate>,
    pub context_tokens: Option<u64>,
    pub max_input_tokens: Option<u64>,
    pub max_output_tokens: Option<u64>,
    pub embedding_dimensions: Option<u64>,
    pub input: Vec<String>,
    pub output: Vec<String>,
    /// Abilities known to be there, and those known to be missing.
    pub abilities: Vec<String>,
    pub lacks: Vec<String>,
    /// The price by the token; `None` for a model that is not sold by the token or has no known price.
    pub price: Option<Price>,
    /// Priced zero on purpose, such as a model that runs on this machine. A missing price is not this.
    pub free: bool,
    /// What it is to cost, the next first. The browser is told in drawings, so it need not read them.
    #[serde(skip)]
    pub later: Vec<LaterPrice>,
    /// Prices by the picture, the character or the search.
    pub other_prices: Vec<OtherPrice>,
    pub price_note: Option<String>,
    pub open_weights: Option<bool>,
    pub licence: Option<String>,
    pub parameters_billion: Option<String>,
    pub benchmarks: Vec<Benchmark>,
    /// Who else sells it. The browser is told in drawings, so it need not read them.
    #[serde(skip)]
    pub offers: Vec<Offer>,
}

/// One way to buy a model: who answers, under which name, and at what price.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    pub provider: ProviderId,
    /// The name sent to the provider.
    pub upstream: String,
    pub protocol: String,
    pub context_tokens: Option<u64>,
    pub max_input_tokens: Option<u64>,
    pub max_output_tokens: Option<u64>,
    pub price: Option<Price>,
    pub free: bool,
    pub later: Vec<LaterPrice>,
}

/// A price that is known and has not begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaterPrice {
    pub from: DateTime<Utc>,
    pub price: Price,
    pub free: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherPrice {
    pub what: String,
    pub unit: String,
    pub provider_nanos: Nanos,
}

/// A score from outside, in percent as its source writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Benchmark {
    pub name: String,
    pub score: String,
    pub self_reported: bool,
    pub source: String,
}

impl Benchmark {
    /// The score in thousandths of a per cent; `None` where it is not written as a plain decimal number.
    pub fn thousandths(&self) -> Option<u32> {
        let (whole, rest) = self.score.split_once('.').unwrap_or((&self.score, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || rest.len() > 3 || !is_digits(whole) || !is_digits(rest) {
            return None;
        }
        whole.parse::<u32>().ok()?.checked_mul(1_000)?.checked_add(format!("{rest:0<3}").parse().ok()?)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Chat,
    Completion,
    Embedding,
    Image,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Active,
    /// Still answers; its end is announced.
    Deprecated,
    Retired,
    /// Weights exist, but nobody lists a price or a route.
    Unlisted,
}

/// Whether a model can be bought here now, and if not, why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Sale {
    Open,
    Retired {
        replacement: Option<ModelId>,
    },
    Unpriced,
    /// The provider's protocol or this kind of model is not served here.
    Unserved,
    /// The operator has not configured this provider.
    Unconfigured,
    /// The operator's own server, on which it would run, does not have it.
    Absent,
}

/// A model as the marketplace shows it: the facts, and whether it can be bought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    pub model: Model,
    pub sale: Sale,
    pub take: TakeRate,
    pub provider_name: String,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Chat, Self::Completion, Self::Embedding, Self::Image];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completion => "completion",
            Self::Embedding => "embedding",
            Self::Image => "image",
        }
    }

    /// What one such model is, in a sentence.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Chat => "a chat model",
            Self::Completion => "a text completion model",
            Self::Embedding => "an embedding model",
            Self::Image => "an image model",
        }
    }

    /// Where programs ask such models.
    pub fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Completion => "/v1/completions",
            Self::Embedding => "/v1/embeddings",
            Self::Image => "/v1/images/generations",
        }
    }
}

impl Status {
    pub const ALL: [Self; 4] = [Self::Active, Self::Deprecated, Self::Retired, Self::Unlisted];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deprecated => "deprecated",
            Self::Retired => "retired",
            Self::Unlisted => "unlisted",
        }
    }
}

impl Sale {
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    /// One sentence for people.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Open => None,
            Self::Retired { replacement: Some(next) } => {
                Some(format!("Retired by its vendor; use {next} instead"))
            }
            Self::Retired { replacement: None } => Some("Retired by its vendor".to_owned()),
            Self::Unpriced => Some("No price is known, so it is not for sale".to_owned()),
            Self::Unserved => {
                Some("Listed for reference; this kind of model is not served here yet".to_owned())
            }
            Self::Absent => Some("The operator's own server does not have it now".to_owned()),
            Self::Unconfigured => Some("The operator has not set this provider up".to_owned()),
        }
    }
}

impl Model {
    /// Every way to buy it, the one that its own fields tell of first.
    pub fn every_offer(&self) -> impl Iterator<Item = Offer> + '_ {
        let own = Offer {
            provider: self.provider.clone(),
            upstream: self.upstream.clone(),
            protocol: self.protocol.clone(),
            context_tokens: self.context_tokens,
            max_input_tokens: self.max_input_tokens,
            max_output_tokens: self.max_output_tokens,
            price: self.price.clone(),
            free: self.free,
            later: self.later.clone(),
        };
        std::iter::once(own).chain(self.offers.iter().cloned())
    }

    /// The model as this offer sells it, without the others.
    pub fn sold_as(&self, offer: Offer) -> Self {
        Self {
            provider: offer.provider,
            upstream: offer.upstream,
            protocol: offer.protocol,
            context_tokens: offer.context_tokens,
            max_input_tokens: offer.max_input_tokens,
            max_output_tokens: offer.max_output_tokens,
            price: offer.price,
            free: offer.free,
            later: offer.later,
            offers: Vec::new(),
            ..self.clone()
        }
    }

    pub fn can(&self, ability: &str) -> bool {
        self.abilities.iter().any(|known| known == ability)
    }

    /// One line made of facts, for lists.
    pub fn summary(&self) -> String {
        let noun = match self.kind {
            Kind::Chat => "Chat model",
            Kind::Completion => "Text completion model",
            Kind::Embedding => "Embedding model",
            Kind::Image => "Image model",
        };
        let mut parts = vec![format!("{noun} by {}", publisher_name(&self.publisher))];
        if let Some(size) = &self.parameters_billion {
            parts.push(format!("{size}B parameters"));
        }
        if let Some(tokens) = self.context_tokens.filter(|_| self.kind == Kind::Chat) {
            parts.push(format!("reads {} tokens", short_count(tokens)));
        }
        if let Some(dimensions) = self.embedding_dimensions {
            parts.push(format!("{} dimensions", group(dimensions)));
        }
        if self.open_weights == Some(true) {
            parts.push("open weights".to_owned());
        }
        parts.join(", ")
    }
}

impl Listing {
    /// What a buyer pays for one picture of a model that is paid by the piece.
    pub fn buyer_picture(&self) -> Option<Nanos> {
        let price = self.model.price.as_ref().filter(|price| price.picture().is_some())?;
        Some(price.ceiling(0, 1, self.take).charge)
    }

    /// What a buyer pays for a million input and output tokens.
    pub fn buyer_rates(&self) -> Option<(Rate, Rate)> {
        let price = self.model.price.as_ref().filter(|price| price.output_unit.is_none())?;
        let rates = price.rates;
        Some((self.take.on_rate(rates.input), self.take.on_rate(rates.output)))
    }

    /// What a buyer pays for a million input tokens. A zero that is not declared free tells of nothing sold or known.
    pub fn known_input(&self) -> Option<Rate> {
        self.buyer_rates().map(|(input, _)| input).filter(|rate| self.model.free || *rate > Rate::FREE)
    }

    /// What a buyer pays for a million output tokens, likewise.
    pub fn known_output(&self) -> Option<Rate> {
        self.buyer_rates().map(|(_, output)| output).filter(|rate| self.model.free || *rate > Rate::FREE)
    }

    pub fn href(&self) -> String {
        format!("/models/{}", self.model.id)
    }
}

/// `1050000` as `1.05M`, `400000` as `400k`: sizes of context windows.
pub fn short_count(tokens: u64) -> String {
    let scaled = |unit: u64, letter: char| {
        let hundredths = tokens * 100 / unit;
        let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
        format!("{}{letter}", text.trim_end_matches('0').trim_end_matches('.'))
    };
    match tokens {
        0..1_000 => tokens.to_string(),
        1_000..1_000_000 => format!("{}k", tokens / 1_000),
        _ => scaled(1_000_000, 'M'),
    }
}

/// The usual spelling of a publisher's name.
pub fn publisher_name(publisher: &str) -> String {
    match publisher {
        "openai" => "OpenAI".to_owned(),
        "deepseek" => "DeepSeek".to_owned(),
        "xai" => "xAI".to_owned(),
        "moonshotai" => "Moonshot AI".to_owned(),
        "zai" => "Z.ai".to_owned(),
        "ai21" => "AI21".to_owned(),
        "voyageai" => "Voyage AI".to_owned(),
        "minimax" => "MiniMax".to_owned(),
        "huggingface" => "Hugging Face".to_owned(),
        "stability" => "Stability AI".to_owned(),
        "mistral" => "Mistral AI".to_owned(),
        other => {
            let mut letters = other.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_read_to_its_last_digit_and_nothing_else_is() {
        let read = |score: &str| {
            let name = "GPQA".to_owned();
            Benchmark { name, score: score.to_owned(), self_reported: false, source: String::new() }
                .thousandths()
        };
        assert_eq!(["67", "80.9", "0.125"].map(read), [Some(67_000), Some(80_900), Some(125)]);
        assert_eq!(["", ".5", "1e3", "-1", "80.9 %", "9999999999"].map(read), [None; 6]);
    }

    #[test]
    fn sizes_of_windows_are_short() {
        let shown = [8_192, 128_000, 200_000, 1_000_000, 1_050_000, 512].map(short_count);
        assert_eq!(shown, ["8k", "128k", "200k", "1M", "1.05M", "512"]);
    }
}
