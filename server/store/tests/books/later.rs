//! Prices that begin later: each in force at its moment, taken back where nobody wants it any more, and never rewritten.

use chrono::{DateTime, TimeDelta, Utc};
use marketplace::id::PriceId;
use marketplace::money::Rate;
use marketplace::price::{Price, Rates};
use sqlx::PgPool;
use store::books::list_broken_blocks;
use store::ledger::Reserved;
use store::price::{
    Decided, Offer, Outcome, Tense, approve_price, foresee_prices, get_news, list_standing, list_versions,
    list_waiting, set_prices,
};

use crate::support::Books;

/// Of so many nano-dollars a million tokens out, where the model costs 2,000,000,000.
fn price(output: i64) -> Price {
    let rates = Rates { input: Rate(250_000_000), output: Rate(output), ..Rates::default() };
    Price { rates, ..Price::default() }
}

fn in_hours(hours: i64) -> Option<DateTime<Utc>> {
    // The database keeps microseconds.
    DateTime::from_timestamp_micros((Utc::now() + TimeDelta::hours(hours)).timestamp_micros())
}

const NOW: i64 = 2_000_000_000;

impl Books {
    fn wishes<'a>(&'a self, prices: &'a [(Price, Option<DateTime<Utc>>)]) -> Vec<Offer<'a>> {
        let offer = |(price, from): &'a (Price, Option<DateTime<Utc>>)| Offer {
            model: &self.model,
            provider: &self.provider,
            price,
            free: false,
            from: *from,
        };
        prices.iter().map(offer).collect()
    }

    async fn plan(&self, prices: &[(Price, Option<DateTime<Utc>>)]) -> Vec<PriceId> {
        set_prices(&self.db, &self.wishes(prices)).await.unwrap()
    }

    /// What each version costs from when on, as the books have it.
    async fn standing(&self) -> Vec<(i64, Option<DateTime<Utc>>)> {
        let standing = list_standing(&self.db).await.unwrap();
        standing.into_iter().map(|one| (one.price.rates.output.0, one.begins)).collect()
    }

    /// As if the first version to come came now.
    async fn let_it_begin(&self) {
        self.tamper(
            "alter table price disable trigger price_is_immutable;
            update price set valid_during = tstzrange(lower(valid_during), now())
            where not upper_inf(valid_during) and valid_during @> now();
            update price set valid_during = tstzrange(now(), upper(valid_during)), begins_at = now()
            where price_id = (select price_id from price where lower(valid_during) > now() order by 1 limit 1);
            alter table price enable trigger price_is_immutable;",
        )
        .await;
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_version_to_come_stands_beside_the_one_in_force_and_begins_by_itself(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let first = get_news(&market.db).await.unwrap();
    assert_eq!(first.next_in, None);
    let at = in_hours(2);
    let planned = [(price(NOW), None), (price(2_200_000_000), at)];
    assert_eq!(market.plan(&planned).await, [market.price, market.price]);
    assert_eq!(market.standing().await, [(NOW, None), (2_200_000_000, at)]);
    assert_eq!(market.plan(&planned).await, [market.price, market.price], "once more changes nothing");
    assert_eq!(market.standing().await.len(), 2);
    let news = get_news(&market.db).await.unwrap();
    assert!(news.version > first.version && news.next_in.unwrap().as_secs() > 7_000, "{news:?}");
    let told = list_versions(&market.db, &market.model, 10).await.unwrap();
    let tenses: Vec<_> = told.iter().map(|one| (one.tense, one.until.is_some())).collect();
    assert_eq!(tenses, [(Tense::Later, false), (Tense::InForce, true)]);
    let call = market.hold(100).await;
    market.let_it_begin().await;
    assert!(get_news(&market.db).await.unwrap().version > news.version);
    assert_eq!(market.standing().await, [(2_200_000_000, None)]);
    assert_eq!(market.reserve(market.reservation(100, 10)).await.1, Reserved::PriceChanged);
    market.capture(call, 70, 30).await;
    // Whoever starts with the same wishes finds that their moment has come.
    let due = [(price(NOW), None), (price(2_200_000_000), in_hours(-1))];
    market.plan(&due).await;
    assert_eq!(market.standing().await, [(2_200_000_000, None)]);
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_wished_for_no_longer_is_taken_back_and_seals_still_hold(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let (soon, late) = (in_hours(1), in_hours(5));
    market.plan(&[(price(NOW), None), (price(2_200_000_000), soon), (price(2_400_000_000), late)]).await;
    market.seal_everything().await;
    let others = [(price(NOW), None), (price(2_300_000_000), late)];
    let (foreseen, withdrawn) = foresee_prices(&market.db, &market.wishes(&others)).await.unwrap();
    assert_eq!(foreseen.iter().map(|one| one.outcome).collect::<Vec<_>>(), [Outcome::Same, Outcome::Begins]);
    assert_eq!(withdrawn.iter().map(|gone| Some(gone.from)).collect::<Vec<_>>(), [soon, late]);
    assert_eq!(market.standing().await.len(), 3, "to foresee changes nothing");
    market.plan(&others).await;
    assert_eq!(market.standing().await, [(NOW, None), (2_300_000_000, late)]);
    market.plan(&[(price(1_900_000_000), None), (price(2_200_000_000), soon)]).await;
    assert_eq!(market.standing().await, [(1_900_000_000, None), (2_200_000_000, soon)]);
    market.plan(&[(price(1_900_000_000), None)]).await;
    assert_eq!(market.standing().await, [(1_900_000_000, None)]);
    let told = list_versions(&market.db, &market.model, 10).await.unwrap();
    assert_eq!(told.iter().map(|one| one.tense).collect::<Vec<_>>(), [Tense::InForce, Tense::Over]);
    let audited: i64 = sqlx::query_scalar("select count(*) from audit_event where action = 'price.withdraw'")
        .fetch_one(&market.root)
        .await
        .unwrap();
    assert_eq!(audited, 4);
    market.seal_everything().await;
    assert_eq!(list_broken_blocks(&market.db).await.unwrap(), [] as [i64; 0]);
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_leap_to_come_waits_and_approved_it_begins_at_its_moment(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let (soon, late) = (in_hours(1), in_hours(5));
    // The last one is a leap from the one before it, which is not in force yet.
    let wishes = [(price(NOW), None), (price(2_200_000_000), soon), (price(4_000_000_000), late)];
    market.plan(&wishes).await;
    market.plan(&wishes).await;
    assert_eq!(market.standing().await, [(NOW, None), (2_200_000_000, soon)]);
    let waiting = list_waiting(&market.db).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].before.rates.output), (1, Rate(2_200_000_000)));
    assert!(waiting[0].begins_at.is_some());
    assert_eq!(approve_price(&market.db, waiting[0].id, "ada").await.unwrap(), Decided::Approved);
    let after = [(NOW, None), (2_200_000_000, soon), (4_000_000_000, late)];
    assert_eq!(market.standing().await, after);
    market.plan(&wishes).await;
    assert_eq!(market.standing().await, after, "what was approved is not asked again");
    // Without its predecessor it was approved for nothing.
    market.plan(&[(price(NOW), None), (price(2_200_000_000), soon), (price(5_000_000_000), late)]).await;
    let waiting = list_waiting(&market.db).await.unwrap()[0].id;
    market.plan(&[(price(NOW), None), (price(2_300_000_000), soon)]).await;
    assert_eq!(approve_price(&market.db, waiting, "ada").await.unwrap(), Decided::Already);
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_leap_whose_moment_passed_undecided_begins_when_it_is_approved(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let wishes = |from| [(price(NOW), None), (price(4_000_000_000), from)];
    market.plan(&wishes(in_hours(1))).await;
    market.tamper("update price_change set begins_at = now() - interval '1 minute'").await;
    market.plan(&wishes(in_hours(-1))).await;
    let waiting = list_waiting(&market.db).await.unwrap();
    assert_eq!((waiting.len(), market.standing().await), (1, vec![(NOW, None)]));
    assert_eq!(approve_price(&market.db, waiting[0].id, "ada").await.unwrap(), Decided::Approved);
    assert_eq!(market.standing().await, [(4_000_000_000, None)]);
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_first_price_may_lie_ahead(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let model = marketplace::id::ModelId::parse("openai/next").unwrap();
    let (cheap, at) = (price(5), in_hours(3));
    let offer = Offer { model: &model, provider: &market.provider, price: &cheap, free: false, from: at };
    assert_eq!(set_prices(&market.db, &[offer]).await.unwrap(), []);
    let standing = list_standing(&market.db).await.unwrap();
    assert_eq!(
        standing.iter().filter(|one| one.model == model).map(|one| one.begins).collect::<Vec<_>>(),
        [at]
    );
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn no_version_that_has_begun_is_changed_or_taken_back(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    market.plan(&[(price(NOW), None), (price(2_200_000_000), in_hours(1))]).await;
    market.plan(&[(price(1_900_000_000), None), (price(2_200_000_000), in_hours(2))]).await;
    for change in [
        "update price set valid_during = 'empty' where lower(valid_during) <= now()",
        "update price set valid_during = tstzrange(lower(valid_during), null) where upper(valid_during) <= now()",
        "update price set valid_during = tstzrange(lower(valid_during) - interval '1 hour', upper(valid_during))",
        "update price set begins_at = now()",
        "delete from price where lower(valid_during) > now()",
    ] {
        let refused = sqlx::query(change).execute(&market.root).await.unwrap_err();
        assert!(refused.to_string().contains("never changed"), "{change}: {refused}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn servers_that_start_together_plan_once(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let wishes =
        [(price(NOW), None), (price(2_200_000_000), in_hours(1)), (price(4_000_000_000), in_hours(2))];
    futures_util::future::join_all((0..8).map(|_| market.plan(&wishes))).await;
    assert_eq!(market.standing().await.len(), 2);
    assert_eq!(list_waiting(&market.db).await.unwrap().len(), 1);
    market.assert_balanced().await;
}
