//! Laws of the score, over made-up models.

use proptest::prelude::*;

use super::*;
use crate::health::Spread;
use crate::id::{ModelId, ProviderId};
use crate::model::{Benchmark, Model, Sale, Status};
use crate::price::{Price, Rates, TakeRate};

fn listing(id: &str, input: i64, output: i64) -> Listing {
    let rates = Rates { input: Rate(input), output: Rate(output), ..Rates::default() };
    let model = Model {
        id: ModelId::parse(id).unwrap(),
        name: id.to_owned(),
        publisher: "lantern".to_owned(),
        provider: ProviderId("lantern".to_owned()),
        upstream: id.to_owned(),
        protocol: "openai_chat_completions".to_owned(),
        kind: Kind::Chat,
        status: Status::Active,
        aliases: Vec::new(),
        replacement: None,
        released: None,
        knowledge_cutoff: None,
        retires: None,
        context_tokens: Some(128_000),
        max_input_tokens: None,
        max_output_tokens: None,
        embedding_dimensions: None,
        input: vec!["text".to_owned()],
        output: vec!["text".to_owned()],
        abilities: vec!["streaming".to_owned()],
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
    Listing { model, sale: Sale::Open, take: TakeRate::STANDARD, provider_name: "Lantern".to_owned() }
}

fn alone(listing: &Listing) -> Candidate<'_> {
    Candidate { listing, measured: None, is_local: false }
}

fn measured(attempts: u64, uptime_bps: u64, first_ms: u64) -> Measured {
    let spread = |of: u64| Some(Spread { mean: of, p50: of, p75: of, p90: of, p95: of, p99: of });
    Measured {
        attempts,
        failures: 0,
        uptime_bps: Some(uptime_bps),
        first_token_ms: spread(first_ms),
        tokens_per_second: spread(80),
    }
}

fn any_task() -> impl Strategy<Value = Task> {
    (0..Task::ALL.len()).prop_map(|at| Task::ALL[at])
}

fn any_weights() -> impl Strategy<Value = Weights> {
    any::<[u8; 7]>().prop_filter_map("all are zero", Weights::new)
}

fn any_listing() -> impl Strategy<Value = Listing> {
    let facts = (0_i64..=200_000_000_000, 1_i64..=900_000_000_000, proptest::option::of(1_u64..=4_000_000));
    let more = (any::<bool>(), proptest::option::of(0_u32..=100), 0_usize..40);
    (facts, more).prop_map(|((input, output, context), (has_tools, gpqa, place))| {
        let mut listing = listing(&format!("lantern/glow-{place}"), input, output);
        listing.model.context_tokens = context;
        if has_tools {
            listing.model.abilities.push("tools".to_owned());
        }
        listing.model.benchmarks.extend(gpqa.map(|score| Benchmark {
            name: "GPQA".to_owned(),
            score: score.to_string(),
            self_reported: true,
            source: "somebody".to_owned(),
        }));
        listing
    })
}

proptest! {
    #[test]
    fn every_score_and_every_part_lies_within_its_bounds(task in any_task(), weights in any_weights(), listing in any_listing()) {
        let scored = Wish { weights, ..Wish::of(task) }.score(0, &alone(&listing));
        for span in scored.spans.iter().chain([&scored.whole]) {
            prop_assert!(span.least <= span.most && span.most <= POINTS, "{scored:?}");
        }
        prop_assert!((scored.whole.least..=scored.whole.most).contains(&scored.points()));
    }

    #[test]
    fn a_model_that_becomes_dearer_never_gains(
        task in any_task(), weights in any_weights(), listing in any_listing(), more in (0_i64..1 << 40, 0_i64..1 << 40),
    ) {
        let wish = Wish { weights, ..Wish::of(task) };
        let mut dearer = listing.clone();
        let rates = &mut dearer.model.price.as_mut().unwrap().rates;
        rates.input.0 += more.0;
        rates.output.0 += more.1;
        let (before, after) = (wish.score(0, &alone(&listing)), wish.score(0, &alone(&dearer)));
        prop_assert!(after.weighed <= before.weighed && after.points() <= before.points());
    }

    #[test]
    fn whatever_is_ranked_meets_every_hard_wish(
        listings in proptest::collection::vec(any_listing(), 0..12), most in 0_i64..400_000_000_000, least in 0_u64..2_000_000,
    ) {
        let wish = Wish {
            max_price: Some(Rate(most)),
            min_context: Some(least),
            needs: vec![Need::Ability("tools".to_owned())],
            ..Wish::of(Task::Coding)
        };
        let candidates: Vec<Candidate<'_>> = listings.iter().map(alone).collect();
        let ranking = wish.rank(&candidates);
        for scored in &ranking.scored {
            let listing = candidates[scored.at].listing;
            let (input, output) = listing.buyer_rates().unwrap();
            prop_assert!(input.0 <= most && output.0 <= most);
            prop_assert!(listing.model.context_tokens.unwrap() >= least && listing.model.can("tools"));
        }
        let out: usize = ranking.left_out.iter().map(|(_, count)| count).sum();
        prop_assert_eq!(ranking.scored.len() + out, listings.len());
        prop_assert!(ranking.scored.is_sorted_by_key(|scored| std::cmp::Reverse(scored.weighed)));
    }

    #[test]
    fn what_is_said_would_put_the_second_first_does(
        task in any_task(), weights in any_weights(), one in any_listing(), other in any_listing(),
    ) {
        let wish = Wish { weights, ..Wish::of(task) };
        let mut listings = [one, other];
        listings[1].model.id = ModelId::parse("lantern/other").unwrap();
        listings.iter_mut().for_each(|listing| listing.model.kind = task.kind());
        let candidates: Vec<Candidate<'_>> = listings.iter().map(alone).collect();
        let ranking = wish.rank(&candidates);
        let Some(rival) = wish.rival(&ranking, &candidates) else { return Ok(()) };
        let first = &candidates[ranking.scored[0].at];
        let second = candidates[rival.at];
        for change in rival.changes {
            match change {
                Change::Weight { aspect, then, .. } => {
                    let wish = Wish { weights: weights.with(aspect, then).unwrap(), ..wish.clone() };
                    prop_assert!(wish.score(1, &second).weighed > wish.score(0, first).weighed, "{change:?}");
                }
                Change::Price { now, then } => {
                    prop_assert!(then < now);
                    let gained = 2 * u64::from(weights.of(Aspect::Price))
                        * u64::from(part::price_points(task, then) - part::price_points(task, now));
                    prop_assert!(wish.score(1, &second).weighed + gained > wish.score(0, first).weighed, "{change:?}");
                }
                Change::Points { now, then, .. } => prop_assert!(now < then && then <= POINTS),
            }
        }
    }
}

#[test]
fn what_nobody_knows_counts_neither_as_nothing_nor_as_everything() {
    let mut known_bad = listing("lantern/bad", 1_000_000_000, 1_000_000_000);
    let unknown = listing("lantern/unknown", 1_000_000_000, 1_000_000_000);
    let mut known_good = known_bad.clone();
    known_good.model.id = ModelId::parse("lantern/good").unwrap();
    for (listing, score) in [(&mut known_bad, "25"), (&mut known_good, "95")] {
        for name in ["GPQA", "MMLU-Pro", "IFEval"] {
            let (name, score) = (name.to_owned(), score.to_owned());
            let benchmark = Benchmark { name, score, self_reported: false, source: String::new() };
            listing.model.benchmarks.push(benchmark);
        }
    }
    let candidates = [alone(&known_bad), alone(&unknown), alone(&known_good)];
    let ranking = Wish::of(Task::Chat).rank(&candidates);
    assert_eq!(ranking.scored.iter().map(|scored| scored.at).collect::<Vec<_>>(), [2, 1, 0]);
    assert_eq!(ranking.scored[1].span(Aspect::Quality), Span::UNKNOWN);
    assert!(ranking.scored[0].why(&Task::Chat.weights()).contains("quality"));
}

#[test]
fn a_price_that_nobody_knows_is_no_reason_to_leave_a_model_out_but_meets_no_limit() {
    let mut unpriced = listing("lantern/unpriced", 1, 1);
    unpriced.model.price = None;
    let candidates = [alone(&unpriced)];
    assert_eq!(Wish::of(Task::Chat).rank(&candidates).scored.len(), 1);
    let bounded = Wish { max_price: Some(Rate(i64::MAX)), ..Wish::of(Task::Chat) };
    assert_eq!(bounded.rank(&candidates).left_out, [(Refusal::TooDear, 1)]);
}

#[test]
fn a_model_that_cannot_be_bought_or_does_other_work_is_left_out() {
    let mut retired = listing("lantern/old", 1_000, 1_000);
    retired.sale = Sale::Retired { replacement: None };
    let mut embeds = listing("lantern/vectors", 1_000, 0);
    embeds.model.kind = Kind::Embedding;
    let blind = listing("lantern/blind", 1_000, 1_000);
    let candidates = [alone(&retired), alone(&embeds), alone(&blind)];
    let ranking = Wish::of(Task::Pictures).rank(&candidates);
    assert!(ranking.scored.is_empty());
    let out = [(Refusal::OtherKind, 1), (Refusal::NotForSale, 1), (Refusal::LacksNeed, 1)];
    assert_eq!(ranking.left_out, out);
}

#[test]
fn each_doubling_of_the_price_takes_a_hundred_points() {
    let points = [50_000_000, 100_000_000, 200_000_000, 51_200_000_000, i64::MAX, 0]
        .map(|rate| part::price_points(Task::Chat, Rate(rate)));
    assert_eq!(points, [1_000, 900, 800, 0, 0, 1_000]);
}

#[test]
fn a_typical_call_costs_what_the_ledger_would_take() {
    // 800 tokens in at one dollar and 300 out at two: 1,400 millionths for the provider, 2,000 with the fee.
    let listing = listing("lantern/glow", 1_000_000_000, 2_000_000_000);
    assert_eq!(call_rate(Task::Chat, &listing), Some(Rate(1_818_181_818)));
}

#[test]
fn few_calls_tell_nothing_of_reliability() {
    let listing = listing("lantern/glow", 1_000, 1_000);
    let of = |measured: &Measured| {
        let candidate = Candidate { measured: Some(measured), ..alone(&listing) };
        Wish::of(Task::Chat).score(0, &candidate).span(Aspect::Reliability)
    };
    assert_eq!(of(&measured(19, 10_000, 300)), Span::UNKNOWN);
    assert_eq!(of(&measured(20, 9_950, 300)), Span::known(950));
    assert_eq!(of(&measured(20, 8_000, 300)), Span::known(0));
}

#[test]
fn what_stays_at_home_is_private_and_of_others_nobody_knows() {
    let listing = listing("ollama/glow", 1_000, 1_000);
    let at_home = Candidate { is_local: true, ..alone(&listing) };
    let wish = Wish { needs: vec![Need::Local], ..Wish::of(Task::Chat) };
    assert_eq!(wish.rank(&[at_home]).scored.len(), 1);
    assert_eq!(wish.rank(&[alone(&listing)]).left_out, [(Refusal::LacksNeed, 1)]);
    assert_eq!(wish.score(0, &alone(&listing)).span(Aspect::Privacy), Span::UNKNOWN);
}

#[test]
fn weights_that_are_all_zero_compare_nothing() {
    assert_eq!(Weights::new([0; 7]), None);
    assert_eq!(Weights::new([99, 0, 0, 0, 0, 0, 0]).unwrap().of(Aspect::Fit), WEIGHT_MAX);
    for task in Task::ALL {
        assert!(Weights::new(Aspect::ALL.map(|aspect| task.weights().of(aspect))).is_some(), "{task:?}");
        assert_eq!(Task::parse(task.as_str()), Some(task));
    }
}
