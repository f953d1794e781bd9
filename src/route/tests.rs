//! The rule of choice, by example and by dice.

use chrono::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::price::Rates;

const VENDORS: [&str; 5] = ["groq", "together", "cerebras", "huggingface", "openai"];

fn vendor(id: &str) -> ProviderId {
    ProviderId(id.to_owned())
}

fn vendors(ids: &[&str]) -> Vec<ProviderId> {
    ids.iter().map(|id| vendor(id)).collect()
}

fn priced(input: i64, output: i64) -> Price {
    Price {
        rates: Rates { input: Rate(input), output: Rate(output), ..Rates::default() },
        ..Price::default()
    }
}

fn demand() -> Demand {
    let at = Utc.with_ymd_and_hms(2026, 11, 25, 12, 0, 0).unwrap();
    let prompt = PromptSize::empty().with_message(400);
    Demand { prompt, output_tokens: Some(500), choices: 1, at, told: None }
}

/// A model's offers at rising prices, in the order of the names above.
struct Shelf {
    models: Vec<ModelId>,
    providers: Vec<ProviderId>,
    prices: Vec<Price>,
}

impl Shelf {
    fn of(offers: &[(&str, i64)]) -> Self {
        Self {
            models: vec![ModelId::parse("openai/gpt-oss-120b").unwrap(); offers.len()],
            providers: offers.iter().map(|(id, _)| vendor(id)).collect(),
            prices: offers.iter().map(|(_, rate)| priced(*rate, 4 * rate)).collect(),
        }
    }

    fn candidates(&self) -> Vec<Candidate<'_>> {
        let all = self.models.iter().zip(&self.providers).zip(&self.prices);
        all.map(|((model, provider), price)| Candidate {
            model,
            provider,
            price,
            take: TakeRate::STANDARD,
            input_tokens_max: Some(100_000),
            output_tokens_max: Some(32_768),
        })
        .collect()
    }

    fn ranked(&self, preferences: &Preferences) -> (Vec<&str>, Reason) {
        self.ranked_with(preferences, |_| Speed::default(), |_| Standing::Well)
    }

    fn ranked_with(
        &self,
        preferences: &Preferences,
        speed: impl Fn(&str) -> Speed,
        standing: impl Fn(&str) -> Standing,
    ) -> (Vec<&str>, Reason) {
        let ranking = rank(
            &self.candidates(),
            preferences,
            &demand(),
            |offer| speed(&offer.provider.0),
            |offer| standing(&offer.provider.0),
        );
        (ranking.ranked.iter().map(|at| self.providers[*at].0.as_str()).collect(), ranking.reason)
    }

    fn refusal(&self, preferences: &Preferences) -> Fault {
        let candidates = self.candidates();
        let ranking = rank(&candidates, preferences, &demand(), |_| Speed::default(), |_| Standing::Well);
        assert!(ranking.ranked.is_empty(), "{ranking:?}");
        nobody_left(&candidates, &ranking, preferences, &demand())
    }
}

fn four() -> Shelf {
    Shelf::of(&[
        ("groq", 150_000_000),
        ("together", 150_000_000),
        ("cerebras", 350_000_000),
        ("huggingface", 250_000_000),
    ])
}

#[test]
fn the_cheapest_is_asked_first_and_between_equals_the_catalogue_decides() {
    let shelf = four();
    let (ranked, reason) = shelf.ranked(&Preferences::default());
    assert_eq!(ranked, ["groq", "together", "huggingface", "cerebras"]);
    assert_eq!(reason, Reason::Price);
}

#[test]
fn a_model_with_one_offer_has_no_choice() {
    let shelf = Shelf::of(&[("openai", 5)]);
    let (ranked, reason) = shelf.ranked(&Preferences::default());
    assert_eq!((ranked, reason), (vec!["openai"], Reason::OnlyOffer));
}

#[test]
fn a_stated_order_comes_first_and_the_others_stand_behind() {
    let order = vendors(&["cerebras", "nobody", "together"]);
    let preferences = Preferences { order, ..Preferences::default() };
    let shelf = four();
    let (ranked, reason) = shelf.ranked(&preferences);
    assert_eq!(ranked, ["cerebras", "together", "groq", "huggingface"]);
    assert_eq!(reason, Reason::Order);
    let strict = Preferences { fallbacks: Fallbacks::Never, ..preferences };
    assert_eq!(four().ranked(&strict).0, ["cerebras", "together"]);
}

#[test]
fn only_and_ignore_leave_out() {
    let only = Preferences { only: vendors(&["huggingface", "cerebras"]), ..Preferences::default() };
    assert_eq!(four().ranked(&only).0, ["huggingface", "cerebras"]);
    let both = Preferences { ignore: vendors(&["huggingface"]), ..only };
    assert_eq!(four().ranked(&both).0, ["cerebras"]);
}

#[test]
fn a_price_cap_is_what_the_buyer_pays_and_not_what_the_vendor_asks() {
    let capped = |prompt: i64| {
        let max_price = MaxPrice { prompt: Some(Rate(prompt)), completion: None };
        let preferences = Preferences { max_price, ..Preferences::default() };
        four().ranked(&preferences).0.len()
    };
    // 0.25 dollars of a vendor are 0.357142858 dollars here.
    assert_eq!((capped(357_142_858), capped(357_142_857), capped(250_000_000)), (3, 2, 2));
}

#[test]
fn speeds_decide_only_where_they_are_known() {
    let speed = |provider: &str| match provider {
        "cerebras" => {
            Speed { first_token_ms: Some(90), tokens_per_minute: Some(90_000), answered_bps: Some(9_000) }
        }
        "huggingface" => {
            Speed { first_token_ms: Some(900), tokens_per_minute: Some(120_000), answered_bps: Some(9_900) }
        }
        _ => Speed::default(),
    };
    let by = |sort| {
        let preferences = Preferences { sort: Some(sort), ..Preferences::default() };
        let shelf = four();
        let (ranked, reason) = shelf.ranked_with(&preferences, speed, |_| Standing::Well);
        (ranked.into_iter().map(str::to_owned).collect::<Vec<_>>(), reason)
    };
    let (ranked, reason) = by(Sort::Latency);
    assert_eq!(ranked, ["cerebras", "huggingface", "groq", "together"]);
    assert_eq!(reason, Reason::Latency);
    let (ranked, reason) = by(Sort::Throughput);
    assert_eq!(ranked, ["huggingface", "cerebras", "groq", "together"]);
    assert_eq!(reason, Reason::Throughput);
    assert_eq!(by(Sort::Success), (ranked, Reason::Success));
    // Nothing is known of anybody: the price decides, and that is what is said.
    let preferences = Preferences { sort: Some(Sort::Throughput), ..Preferences::default() };
    assert_eq!(
        four().ranked(&preferences),
        (vec!["groq", "together", "huggingface", "cerebras"], Reason::Price)
    );
}

#[test]
fn who_keeps_failing_is_asked_last_even_if_preferred() {
    let preferences = Preferences { order: vendors(&["groq"]), ..Preferences::default() };
    let shelf = four();
    let standing = |provider: &str| if provider == "groq" { Standing::Failing } else { Standing::Well };
    let (ranked, reason) = shelf.ranked_with(&preferences, |_| Speed::default(), standing);
    assert_eq!(ranked, ["together", "huggingface", "cerebras", "groq"]);
    assert_eq!(reason, Reason::Price);
    let (ranked, _) = shelf.ranked_with(&preferences, |_| Speed::default(), |_| Standing::Failing);
    assert_eq!(ranked[0], "groq", "where all fail, somebody is still asked");
}

#[test]
fn a_model_that_stands_in_is_asked_after_every_offer_of_the_one_asked_for() {
    let mut shelf = four();
    shelf.models[2] = ModelId::parse("meta/llama-x").unwrap();
    shelf.models[3] = ModelId::parse("meta/llama-x").unwrap();
    let order = vendors(&["huggingface"]);
    let preferences = Preferences { order, ignore: vendors(&["together"]), ..Preferences::default() };
    assert_eq!(shelf.ranked(&preferences), (vec!["groq", "huggingface", "cerebras"], Reason::Price));
    let preferences = Preferences { ignore: vendors(&["groq", "together"]), ..Preferences::default() };
    assert_eq!(shelf.ranked(&preferences), (vec!["huggingface", "cerebras"], Reason::Model));
}

#[test]
fn when_nobody_is_left_each_is_told_why() {
    let preferences = Preferences {
        only: vendors(&["groq", "together", "cerebras"]),
        ignore: vendors(&["groq"]),
        order: vendors(&["cerebras"]),
        max_price: MaxPrice { prompt: Some(Rate(250_000_000)), completion: None },
        fallbacks: Fallbacks::Never,
        ..Preferences::default()
    };
    let fault = four().refusal(&preferences);
    assert_eq!((fault.code, fault.field.as_deref()), (Code::NotFound, Some("provider")));
    assert_eq!(
        fault.message,
        "No offer of openai/gpt-oss-120b is left: groq is in provider.ignore; together is not in provider.order, and \
         provider.allow_fallbacks is false; cerebras costs more than provider.max_price (prompt 0.25); huggingface is \
         not in provider.only"
    );
}

#[test]
fn a_prompt_too_long_for_everybody_is_the_prompts_fault() {
    let shelf = four();
    let candidates: Vec<_> = shelf
        .candidates()
        .into_iter()
        .map(|offer| Candidate { input_tokens_max: Some(50), ..offer })
        .collect();
    let preferences = Preferences::default();
    let ranking = rank(&candidates, &preferences, &demand(), |_| Speed::default(), |_| Standing::Well);
    let fault = nobody_left(&candidates, &ranking, &preferences, &demand());
    assert_eq!((fault.code, fault.field.as_deref()), (Code::InvalidRequest, Some("messages")));
    assert!(fault.message.contains("reads at most 50"), "{fault}");
}

#[test]
fn nothing_dearer_than_was_shown_is_asked() {
    let shelf = four();
    let candidates = shelf.candidates();
    let told = candidates[0].price.ceiling(demand().prompt.tokens_max, 500, TakeRate::STANDARD).charge;
    let demand = Demand { told: Some(told), ..demand() };
    let ranking =
        rank(&candidates, &Preferences::default(), &demand, |_| Speed::default(), |_| Standing::Well);
    assert_eq!(ranking.ranked, [0, 1]);
    assert!(ranking.excluded.iter().all(|(_, why)| *why == Exclusion::AboveTold));
}

#[test]
fn who_is_cheapest_depends_on_how_many_answers_are_asked_for() {
    let shelf = Shelf {
        prices: vec![priced(10_000_000_000, 1_000_000_000), priced(1_000_000_000, 3_000_000_000)],
        ..Shelf::of(&[("groq", 1), ("together", 1)])
    };
    let cheapest = |choices| {
        let demand = Demand { choices, ..demand() };
        let preferences = Preferences::default();
        rank(&shelf.candidates(), &preferences, &demand, |_| Speed::default(), |_| Standing::Well).ranked[0]
    };
    assert_eq!((cheapest(1), cheapest(10)), (1, 0));
    // What a page told is of all answers too.
    let told = shelf.prices[0].ceiling(demand().prompt.tokens_max, 500, TakeRate::STANDARD).charge;
    let demand = Demand { choices: 10, told: Some(told), ..demand() };
    let ranking =
        rank(&shelf.candidates(), &Preferences::default(), &demand, |_| Speed::default(), |_| Standing::Well);
    assert!(ranking.ranked.is_empty());
}

#[test]
fn a_second_vendor_is_asked_only_where_it_makes_sense() {
    use crate::chat::FailureClass::{self, *};
    let allowed = |fallbacks: Fallbacks| {
        let all = [
            InvalidRequest,
            ContextLength,
            Auth,
            QuotaExhausted,
            ModelNotFound,
            RateLimited,
            Overloaded,
            ServerError,
            Timeout,
            Content,
            ModelOutput,
            TruncatedStream,
            MalformedStream,
            Unreachable,
        ];
        all.into_iter().filter(|class| fallbacks.allow_after(*class)).collect::<Vec<FailureClass>>()
    };
    assert_eq!(allowed(Fallbacks::Never), []);
    assert_eq!(allowed(Fallbacks::IfIdle), [RateLimited, Overloaded, Unreachable]);
    let always =
        [RateLimited, Overloaded, ServerError, Timeout, TruncatedStream, MalformedStream, Unreachable];
    assert_eq!(allowed(Fallbacks::Always), always);
}

prop_compose! {
    fn some_vendors()(chosen in proptest::collection::vec(0..VENDORS.len(), 0..3)) -> Vec<ProviderId> {
        chosen.into_iter().map(|at| vendor(VENDORS[at])).collect()
    }
}

prop_compose! {
    fn some_preferences()(
        order in some_vendors(), only in some_vendors(), ignore in some_vendors(),
        sort in proptest::option::of(prop_oneof![Just(Sort::Price), Just(Sort::Latency), Just(Sort::Throughput), Just(Sort::Success)]),
        prompt in proptest::option::of(1_i64..600_000_000),
        fallbacks in prop_oneof![Just(Fallbacks::Never), Just(Fallbacks::IfIdle), Just(Fallbacks::Always)],
    ) -> Preferences {
        let max_price = MaxPrice { prompt: prompt.map(Rate), completion: None };
        Preferences { order, only, ignore, sort, max_price, fallbacks }
    }
}

proptest! {
    #[test]
    fn every_offer_is_ranked_or_left_out_and_every_wish_is_kept(
        preferences in some_preferences(), rates in proptest::collection::vec(1_i64..500_000_000, 5),
        failing in proptest::collection::vec(any::<bool>(), 5), known in proptest::collection::vec(proptest::option::of(1_u64..5_000), 5),
    ) {
        let offers: Vec<(&str, i64)> = VENDORS.iter().copied().zip(rates).collect();
        let shelf = Shelf::of(&offers);
        let candidates = shelf.candidates();
        let place = |offer: &Candidate<'_>| VENDORS.iter().position(|id| *id == offer.provider.0).unwrap();
        let speed = |offer: &Candidate<'_>| Speed { first_token_ms: known[place(offer)], tokens_per_minute: known[place(offer)], answered_bps: known[place(offer)] };
        let standing = |offer: &Candidate<'_>| if failing[place(offer)] { Standing::Failing } else { Standing::Well };
        let ranking = rank(&candidates, &preferences, &demand(), speed, standing);
        let mut all: Vec<usize> = ranking.ranked.iter().copied().chain(ranking.excluded.iter().map(|(at, _)| *at)).collect();
        all.sort_unstable();
        prop_assert_eq!(all, (0..5).collect::<Vec<_>>());
        for at in &ranking.ranked {
            let offer = &candidates[*at];
            prop_assert!(preferences.only.is_empty() || preferences.only.contains(offer.provider));
            prop_assert!(!preferences.ignore.contains(offer.provider));
            if let Some(most) = preferences.max_price.prompt {
                prop_assert!(offer.take.on_rate(offer.price.rates.input) <= most);
            }
        }
        for pair in ranking.ranked.windows(2) {
            let (a, b) = (&candidates[pair[0]], &candidates[pair[1]]);
            prop_assert!(failing[pair[0]] <= failing[pair[1]], "a failing vendor stands before one that is well");
            let same = failing[pair[0]] == failing[pair[1]] && named(a, &preferences.order) == named(b, &preferences.order);
            match preferences.sort {
                Some(Sort::Latency | Sort::Throughput | Sort::Success) if same => {
                    prop_assert!(known[pair[0]].is_some() || known[pair[1]].is_none(), "an unknown speed was taken for a good one");
                }
                Some(Sort::Price) | None if same => {
                    prop_assert!(likely_cost(a, &demand()) <= likely_cost(b, &demand()));
                }
                _ => {}
            }
        }
    }
}
