//! What is about to be sent: the text, the model and the limits, and from them the price.

use chrono::{DateTime, Utc};
use leptos::html;
use leptos::prelude::*;
use marketplace::allowance::FreeCall;
use marketplace::id::ModelId;
use marketplace::live::Turn;
use marketplace::money::Nanos;
use marketplace::quote::{OUTPUT_TOKENS_LEAST, PromptSize, Quote, quote, wanted_output};

use crate::api::chat::ChatModel;
use crate::browser;

pub const LONGEST_USUAL: u64 = 1_024;
const MODEL_USUAL: &str = "openai/gpt-5-mini";

/// What sending would take: money or, where they suffice, the month's free tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Offer {
    Money(Quote),
    Free { most: u64, left: u64, is_shortened: bool },
}

#[derive(Clone, Copy)]
pub struct Order {
    models: StoredValue<Vec<ChatModel>>,
    pub model: RwSignal<String>,
    pub text: RwSignal<String>,
    /// The most tokens the answer may have.
    pub longest: RwSignal<u64>,
    /// The most the answer may cost.
    pub cap: RwSignal<Option<Nanos>>,
    /// Free tokens left this month.
    pub free_tokens: RwSignal<u64>,
    /// The reader's clock; unknown until the page is awake, and so is the price.
    now: RwSignal<Option<DateTime<Utc>>>,
    pub field: NodeRef<html::Textarea>,
}

impl Order {
    /// Takes the model asked for, or the one spoken to last, or a good cheap one, whichever is for sale.
    pub fn new(models: Vec<ChatModel>, asked_for: Option<String>, turns: &[Turn]) -> Self {
        let last = turns.iter().rev().find_map(|turn| turn.model.as_ref()).map(ToString::to_string);
        let is_sold = |id: &String| models.iter().any(|model| model.id.as_str() == id);
        let chosen = [asked_for, last, Some(MODEL_USUAL.to_owned())].into_iter().flatten().find(is_sold);
        let cheapest = || {
            let cheapest = models.iter().min_by_key(|model| model.buyer_rates().1);
            cheapest.map(|model| model.id.to_string())
        };
        Self {
            model: RwSignal::new(chosen.or_else(cheapest).unwrap_or_default()),
            models: StoredValue::new(models),
            text: RwSignal::new(String::new()),
            longest: RwSignal::new(LONGEST_USUAL),
            cap: RwSignal::new(None),
            free_tokens: RwSignal::new(0),
            now: RwSignal::new(None),
            field: NodeRef::new(),
        }
    }

    pub fn models(&self) -> Vec<ChatModel> {
        self.models.get_value()
    }

    /// What people call a model; models no longer for sale are known by their id only.
    pub fn name_of(&self, id: &ModelId) -> String {
        self.models.with_value(|models| {
            let model = models.iter().find(|model| model.id == *id);
            model.map_or_else(|| id.to_string(), |model| model.name.clone())
        })
    }

    pub fn is_awake(&self) -> bool {
        self.now.get().is_some()
    }

    /// To be called once the page is awake: takes over what was typed before, or else the kept draft.
    pub fn wake(&self) {
        self.now.set(browser::now());
        let Some(field) = self.field.get_untracked() else { return };
        match browser::kept_draft() {
            Some(draft) if field.value().is_empty() => self.write(&draft),
            _ => self.text.set(field.value()),
        }
    }

    /// Takes what was typed.
    pub fn read(&self, text: String) {
        browser::keep_draft(&text);
        self.now.set(browser::now());
        self.text.set(text);
    }

    pub fn write(&self, text: &str) {
        if let Some(field) = self.field.get_untracked() {
            field.set_value(text);
        }
        self.read(text.to_owned());
    }

    pub fn is_empty(&self) -> bool {
        self.text.with(|text| text.trim().is_empty())
    }

    /// What sending the text after `turns` takes, by the functions the server itself uses.
    pub fn offer(&self, turns: &[Turn]) -> Option<Offer> {
        let now = self.now.get()?;
        let id = self.model.get();
        let size = turns
            .iter()
            .map(|turn| turn.text.len())
            .chain([self.text.with(|text| text.trim().len())])
            .fold(PromptSize::empty(), PromptSize::with_message);
        self.models.with_value(|models| {
            let ChatModel { price, take, max_output_tokens, .. } =
                models.iter().find(|model| model.id.as_str() == id)?;
            let wanted = wanted_output(*max_output_tokens, Some(self.longest.get()));
            let longest = match self.cap.get() {
                Some(cap) => price
                    .affordable_output(size.tokens_max, wanted, cap, *take)
                    .filter(|longest| *longest >= wanted.min(OUTPUT_TOKENS_LEAST))?,
                None => wanted,
            };
            let left = self.free_tokens.get();
            let free =
                FreeCall::new(price, size, wanted).and_then(|call| Some((call.held(left)?, call.most())));
            Some(match free {
                Some((held, most)) => Offer::Free { most: held, left, is_shortened: held < most },
                None => Offer::Money(quote(price, *take, size, longest, now)),
            })
        })
    }
}
