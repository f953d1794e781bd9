//! Prices that may not be, and leaps that wait until somebody approves them.

use marketplace::id::{ModelId, PriceId};
use marketplace::money::Rate;
use marketplace::price::{LongContext, OffPeak, Price, Rates, Window};
use sqlx::PgPool;
use store::ledger::Reserved;
use store::price::{
    Decided, Offer, approve_price, get_price, list_standing, list_waiting, reject_price, set_prices,
};
use uuid::Uuid;

use crate::support::Books;

fn plain(input: i64, output: i64) -> Price {
    Price {
        rates: Rates { input: Rate(input), output: Rate(output), ..Rates::default() },
        ..Price::default()
    }
}

impl Books {
    /// Asks that this be the price of the model for sale; answers the version in force.
    async fn ask_for(&self, price: &Price) -> PriceId {
        let offer = Offer { model: &self.model, provider: &self.provider, price, free: false, from: None };
        set_prices(&self.db, &[offer]).await.unwrap()[0]
    }

    async fn waiting(&self) -> Vec<Price> {
        list_waiting(&self.db).await.unwrap().into_iter().map(|change| change.after).collect()
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_leap_waits_and_meanwhile_the_model_is_sold_at_the_price_it_has(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let leap = plain(250_000_000, 2_400_000_001);
    assert_eq!(market.ask_for(&leap).await, market.price);
    let call = market.hold(100).await;
    let waiting = list_waiting(&market.db).await.unwrap();
    assert_eq!((waiting.len(), &waiting[0].after), (1, &leap));
    assert_eq!(waiting[0].before, get_price(&market.db, market.price).await.unwrap());
    let id = waiting[0].id;
    assert_eq!(approve_price(&market.db, id, "ada").await.unwrap(), Decided::Approved);
    let in_force = list_standing(&market.db).await.unwrap();
    assert_eq!((in_force.len(), in_force[0].id, &in_force[0].price), (1, id, &leap));
    assert_eq!(market.reserve(market.reservation(100, 10)).await.1, Reserved::PriceChanged);
    market.capture(call, 70, 30).await;
    assert_eq!(market.ask_for(&leap).await, id, "asked for once more, it is the price");
    assert_eq!(approve_price(&market.db, id, "ada").await.unwrap(), Decided::Already);
    assert_eq!(reject_price(&market.db, PriceId(Uuid::now_v7()), "ada").await.unwrap(), Decided::Unknown);
    let audited: (String, i64, i64) = sqlx::query_as(
        "select actor, (detail #>> '{before,output}')::bigint, (detail #>> '{after,output}')::bigint
        from audit_event where action = 'price.approve'",
    )
    .fetch_one(&market.root)
    .await
    .unwrap();
    assert_eq!(audited, ("ada".to_owned(), 2_000_000_000, 2_400_000_001));
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_step_of_a_fifth_needs_nobody(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let mut version = market.price;
    for price in [plain(300_000_000, 2_400_000_000), plain(240_000_000, 1_920_000_000)] {
        let next = market.ask_for(&price).await;
        assert_ne!(next, version);
        version = next;
    }
    assert_eq!(market.waiting().await, []);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_was_rejected_is_not_asked_again_and_what_is_no_longer_wanted_is_withdrawn(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let (dear, dearer) = (plain(500_000_000, 4_000_000_000), plain(600_000_000, 4_000_000_000));
    market.ask_for(&dear).await;
    let id = list_waiting(&market.db).await.unwrap()[0].id;
    assert_eq!(reject_price(&market.db, id, "ada").await.unwrap(), Decided::Rejected);
    assert_eq!(market.ask_for(&dear).await, market.price);
    assert_eq!(market.waiting().await, []);
    market.ask_for(&dearer).await;
    market.ask_for(&dearer).await;
    assert_eq!(market.waiting().await, [dearer]);
    market.ask_for(&plain(250_000_000, 2_000_000_000)).await;
    assert_eq!(market.waiting().await, [], "the catalogue has the old price again");
    let free = Offer {
        model: &market.model,
        provider: &market.provider,
        price: &plain(0, 0),
        free: true,
        from: None,
    };
    assert_eq!(set_prices(&market.db, &[free]).await.unwrap(), [market.price]);
    assert_eq!(market.waiting().await, [plain(0, 0)], "to become free is a leap");
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_component_of_every_tier_counts(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let rates = Rates {
        input: Rate(1_000),
        output: Rate(5_000),
        cached_input: Some(Rate(100)),
        cache_write: Some(Rate(1_250)),
        ..Rates::default()
    };
    let window = |from_minute| Window { weekdays: vec![1], from_minute, until_minute: 1_440 };
    let long_context = |above_input_tokens, rates| Some(LongContext { above_input_tokens, rates });
    let off_peak = |from, rates| Some(OffPeak { windows: vec![window(from)], rates });
    let half = Rates { input: Rate(500), ..rates };
    let with = |change: fn(&mut Rates)| {
        let mut rates = rates;
        change(&mut rates);
        Price { rates, ..Price::default() }
    };
    let (base, off) = (Price { rates, ..Price::default() }, off_peak(600, half));
    let tiered = Price { long_context: long_context(200_000, half), off_peak: off.clone(), ..base.clone() };
    let cases = [
        ("the same", &base, base.clone(), false),
        ("dearer input", &base, with(|rates| rates.input = Rate(1_201)), true),
        ("cheaper input", &base, with(|rates| rates.input = Rate(799)), true),
        ("dearer output", &base, with(|rates| rates.output = Rate(6_001)), true),
        ("a fifth", &base, with(|rates| rates.output = Rate(6_000)), false),
        ("dearer from the cache", &base, with(|rates| rates.cached_input = Some(Rate(121))), true),
        ("no cache rate", &base, with(|rates| rates.cached_input = None), true),
        ("dearer for an hour", &base, with(|rates| rates.cache_write_1h = Some(Rate(2_000))), true),
        ("an hour as dear", &base, with(|rates| rates.cache_write_1h = Some(Rate(1_250))), false),
        ("dearer reasoning", &base, with(|rates| rates.reasoning = Some(Rate(7_000))), true),
        ("a free cache", &base, with(|rates| rates.cached_input = Some(Rate(0))), true),
        ("a tier", &base, Price { long_context: long_context(9, half), ..base.clone() }, true),
        (
            "a tier like the rest",
            &base,
            Price { long_context: long_context(9, rates), ..base.clone() },
            false,
        ),
        ("no cheap hours", &tiered, Price { off_peak: None, ..tiered.clone() }, true),
        ("other hours", &tiered, Price { off_peak: off_peak(601, half), ..tiered.clone() }, true),
        ("a lower border", &tiered, Price { long_context: long_context(9, half), ..tiered.clone() }, true),
        ("tiers as they were", &tiered, tiered.clone(), false),
    ];
    for (number, (what, before, after, leaps)) in cases.into_iter().enumerate() {
        let model = ModelId::parse(&format!("test/{number}")).unwrap();
        let ask = async |price| {
            let offer = Offer { model: &model, provider: &market.provider, price, free: false, from: None };
            set_prices(&market.db, &[offer]).await.unwrap()[0]
        };
        let first = ask(before).await;
        let second = ask(&after).await;
        let waits = list_waiting(&market.db).await.unwrap().iter().any(|change| change.model == model);
        assert_eq!((waits, second == first), (leaps, leaps || after == *before), "{what}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn servers_that_start_at_the_same_time_ask_once(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let leap = plain(500_000_000, 4_000_000_000);
    let asked = futures_util::future::join_all((0..8).map(|_| market.ask_for(&leap))).await;
    assert!(asked.iter().all(|version| *version == market.price));
    assert_eq!(market.waiting().await, [leap]);
    let id = list_waiting(&market.db).await.unwrap()[0].id;
    let deciding = (0..8).map(|_| approve_price(&market.db, id, "ada"));
    let decided = futures_util::future::join_all(deciding).await;
    let approved = decided.iter().filter(|one| matches!(one, Ok(Decided::Approved))).count();
    assert_eq!(approved, 1, "{decided:?}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_price_that_cannot_be_is_refused_by_a_constraint_of_its_name(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let sound = "price_terms_sound";
    for (terms, free, constraint) in [
        (r#"{}"#, false, sound),
        (r#"{}"#, true, sound),
        (r#"null"#, true, sound),
        (r#"{"input": 5}"#, false, sound),
        (r#"{"output": 5}"#, false, sound),
        (r#"{"input": null, "output": 5}"#, false, sound),
        (r#"{"input": "NaN", "output": 5}"#, false, sound),
        (r#"{"input": "5", "output": 5}"#, false, sound),
        (r#"{"input": -1, "output": 5}"#, false, sound),
        (r#"{"input": -1, "output": 5}"#, true, sound),
        (r#"{"input": 5, "output": 0.5}"#, false, sound),
        (r#"{"input": 1e30, "output": 5}"#, false, sound),
        (r#"{"input": 5, "output": 5, "cached_input": -1}"#, false, sound),
        (r#"{"input": 5, "output": 5, "cached_input": "-1"}"#, false, sound),
        (
            r#"{"input": 5, "output": 5, "long_context": {"above_input_tokens": 9, "input": -5, "output": 5}}"#,
            false,
            sound,
        ),
        (r#"{"input": 0, "output": 0}"#, false, "price_zero_is_explicit"),
        (r#"{"input": 0, "output": 0, "reasoning": 9}"#, false, "price_zero_is_explicit"),
    ] {
        let insert = "insert into price (price_id, model_id, provider, terms, free, valid_during)
            values (gen_random_uuid(), 'test/model', 'test', $1::text::jsonb, $2, tstzrange(now(), null))";
        let refused = sqlx::query(insert).bind(terms).bind(free).execute(&market.root).await.unwrap_err();
        let named = refused.as_database_error().and_then(|cause| cause.constraint());
        assert_eq!(named, Some(constraint), "{terms}, free {free}: {refused}");
    }
    let second = "insert into price (price_id, model_id, provider, terms, free, valid_during)
        select gen_random_uuid(), model_id, provider, terms, free, tstzrange(now() - interval '1 day', null) from price";
    let refused = sqlx::query(second).execute(&market.root).await.unwrap_err();
    let named = refused.as_database_error().and_then(|cause| cause.constraint());
    assert_eq!(named, Some("price_versions_never_overlap"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_price_that_has_run_out_begins_no_call(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    market.tamper("update price set valid_during = tstzrange(lower(valid_during), now())").await;
    assert_eq!(market.reserve(market.reservation(100, 10)).await.1, Reserved::PriceChanged);
    assert_eq!(list_standing(&market.db).await.unwrap().len(), 0);
}
