//! Models made up for tests of sheets.

use marketplace::id::{ModelId, ProviderId};
use marketplace::model::{Kind, Listing, Model, Sale, Status};
use marketplace::money::Rate;
use marketplace::price::{Price, Rates, TakeRate};

/// A chat model for sale at the provider's rates, of which nothing else is known.
pub fn listing(id: &str, input: i64, output: i64) -> Listing {
    let (publisher, name) = id.split_once('/').unwrap();
    let rates = Rates { input: Rate(input), output: Rate(output), ..Rates::default() };
    let model = Model {
        id: ModelId::parse(id).unwrap(),
        name: name.to_owned(),
        publisher: publisher.to_owned(),
        provider: ProviderId(publisher.to_owned()),
        upstream: name.to_owned(),
        protocol: "openai_chat_completions".to_owned(),
        kind: Kind::Chat,
        status: Status::Active,
        aliases: Vec::new(),
        replacement: None,
        released: None,
        knowledge_cutoff: None,
        retires: None,
        context_tokens: None,
        max_input_tokens: None,
        max_output_tokens: None,
        embedding_dimensions: None,
        input: vec!["text".to_owned()],
        output: vec!["text".to_owned()],
        abilities: Vec::new(),
        lacks: Vec::new(),
        price: Some(Price { rates, ..Price::default() }),
        free: false,
        later: Vec::new(),
        other_prices: Vec::new(),
        price_note: None,
        open_weights: None,
        licence: None,
        parameters_billion: None,
        benchmarks: Vec::new(),
        offers: Vec::new(),
    };
    Listing { model, sale: Sale::Open, take: TakeRate::STANDARD, provider_name: publisher.to_owned() }
}
