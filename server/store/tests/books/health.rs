//! How well offers answer: several servers add to one minute, minutes become hours, and old hours go.

use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use marketplace::health::{Attempt, Histogram, Outcome, Tally, Writing};
use marketplace::id::{ModelId, ProviderId};
use sqlx::{AssertSqlSafe, Executor, PgPool};
use store::Db;
use store::health::{
    Folded, OfferMinute, OfferSpan, SliceSum, fold_offer_minutes, list_offers, note_offer_minutes,
};

const DAY_MINUTES: i32 = 24 * 60;

async fn open(root: &PgPool) -> Db {
    Db::open(root.connect_options().as_ref().clone(), 4).await.unwrap()
}

fn answered(first_token_ms: u64) -> Attempt {
    let writing = Writing { tokens: 100, took: Duration::from_millis(first_token_ms * 5) };
    Attempt {
        outcome: Outcome::Answered,
        first_token: Some(Duration::from_millis(first_token_ms)),
        writing: Some(writing),
    }
}

const FAILED: Attempt = Attempt { outcome: Outcome::Failed, first_token: None, writing: None };

fn tally(attempts: &[Attempt]) -> Tally {
    let mut tally = Tally::default();
    attempts.iter().for_each(|attempt| tally.note(attempt));
    tally
}

fn minute(model: &str, at: DateTime<Utc>, attempts: &[Attempt]) -> OfferMinute {
    let (model, provider) = (ModelId::parse(model).unwrap(), ProviderId("openai".to_owned()));
    OfferMinute { model, provider, minute: at, tally: tally(attempts) }
}

fn hours_ago(hours: i64) -> DateTime<Utc> {
    Utc::now().duration_trunc(TimeDelta::hours(1)).unwrap() - TimeDelta::hours(hours)
}

async fn count(root: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from offer_minute").fetch_one(root).await.unwrap()
}

async fn only(db: &Db, since: DateTime<Utc>) -> OfferSpan {
    let mut offers = list_offers(db, since, DAY_MINUTES).await.unwrap();
    assert_eq!(offers.len(), 1, "{offers:?}");
    offers.remove(0)
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_two_servers_note_at_once_adds_up(root: PgPool) {
    let (one, other) = (open(&root).await, open(&root).await);
    let at = hours_ago(0);
    let (mine, theirs) = ([answered(120), answered(700), FAILED], [answered(90), FAILED]);
    let names = ["openai/a", "openai/b", "openai/c"];
    let write = async |db: &Db, attempts: &[Attempt], backwards: bool| {
        for _ in 0..20 {
            let mut minutes = names.map(|name| minute(name, at, attempts));
            if backwards {
                minutes.reverse();
            }
            note_offer_minutes(db, &minutes).await.unwrap();
        }
    };
    tokio::join!(write(&one, &mine, false), write(&other, &theirs, true));
    assert_eq!(count(&root).await, 3);
    let mut all = Tally::default();
    for _ in 0..20 {
        all.add(&tally(&mine));
        all.add(&tally(&theirs));
    }
    for offer in list_offers(&one, at, 60).await.unwrap() {
        assert_eq!(offer.tally, all, "{}", offer.model);
        assert_eq!(offer.slices, [SliceSum { place: 0, attempts: 100, failures: 40 }]);
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn slices_are_told_apart_and_those_without_attempts_left_out(root: PgPool) {
    let db = open(&root).await;
    let since = hours_ago(5);
    let later = [
        minute("openai/a", since - TimeDelta::minutes(1), &[FAILED]),
        minute("openai/a", since, &[answered(100)]),
        minute("openai/a", since + TimeDelta::minutes(59), &[FAILED]),
        minute("openai/a", since + TimeDelta::minutes(180), &[answered(100)]),
    ];
    note_offer_minutes(&db, &later).await.unwrap();
    let offers = list_offers(&db, since, 60).await.unwrap();
    let slices: Vec<_> = offers[0].slices.iter().map(|s| (s.place, s.attempts, s.failures)).collect();
    assert_eq!(slices, [(0, 2, 1), (3, 1, 0)]);
    assert_eq!(offers[0].tally, tally(&[answered(100), FAILED, answered(100)]));
}

#[sqlx::test(migrations = "../../migrations")]
async fn folding_keeps_every_total_and_leaves_two_days_alone(root: PgPool) {
    let db = open(&root).await;
    let (old, fresh) = (hours_ago(60), hours_ago(20));
    for hour in [old, old + TimeDelta::hours(1), fresh] {
        for at in [0_i64, 1, 7, 59] {
            let attempts = [answered(100 + at.unsigned_abs() * 13), FAILED];
            note_offer_minutes(&db, &[minute("openai/a", hour + TimeDelta::minutes(at), &attempts)])
                .await
                .unwrap();
        }
    }
    let before = only(&db, old).await;
    assert_eq!(fold_offer_minutes(&db).await.unwrap(), Folded { folded: 6, forgotten: 0 });
    assert_eq!(only(&db, old).await, before);
    assert_eq!(count(&root).await, 2 + 4);
    // What comes late finds its hour the next time.
    note_offer_minutes(&db, &[minute("openai/a", old + TimeDelta::minutes(5), &[answered(50)])])
        .await
        .unwrap();
    assert_eq!(fold_offer_minutes(&db).await.unwrap(), Folded { folded: 1, forgotten: 0 });
    assert_eq!(only(&db, old).await.tally.attempts, before.tally.attempts + 1);
    assert_eq!(fold_offer_minutes(&db).await.unwrap(), Folded { folded: 0, forgotten: 0 });
}

#[sqlx::test(migrations = "../../migrations")]
async fn hours_are_forgotten_after_ninety_days(root: PgPool) {
    let db = open(&root).await;
    let (kept, gone) = (hours_ago(24 * 90 - 1), hours_ago(24 * 90 + 1));
    note_offer_minutes(&db, &[minute("openai/a", kept, &[FAILED]), minute("openai/a", gone, &[FAILED])])
        .await
        .unwrap();
    assert_eq!(fold_offer_minutes(&db).await.unwrap(), Folded { folded: 0, forgotten: 1 });
    assert_eq!(only(&db, hours_ago(24 * 365)).await.tally.attempts, 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_server_adds_to_minutes_and_can_do_nothing_else_to_them(root: PgPool) {
    let db = open(&root).await;
    note_offer_minutes(&db, &[minute("openai/a", hours_ago(0), &[FAILED])]).await.unwrap();
    for role in ["mercato_runtime", "mercato_admin", "mercato_auditor"] {
        for attempt in [
            "update offer_minute set failures = 0",
            "delete from offer_minute",
            "insert into offer_minute select * from offer_minute",
            "select ledger.add_counts('{1}', '{2}')",
        ] {
            let mut connection = root.acquire().await.unwrap();
            connection.execute(AssertSqlSafe(format!("set role {role}"))).await.unwrap();
            assert!(connection.execute(attempt).await.is_err(), "{role} was let do: {attempt}");
            connection.execute("reset role").await.unwrap();
        }
    }
    let impossible =
        "insert into offer_minute values ('a/b', 'openai', date_trunc('minute', now()), 1, 2, 0, 0, 0,
        array_fill(0, array[42]), array_fill(0, array[42]))";
    assert!(root.execute(impossible).await.is_err(), "more failed than was tried");
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_database_keeps_the_scale_of_the_histogram(root: PgPool) {
    let db = open(&root).await;
    let mut counts = vec![0; Histogram::BUCKETS];
    (counts[0], counts[Histogram::BUCKETS - 1]) = (1, 1);
    let mut one = minute("openai/a", hours_ago(0), &[]);
    one.tally =
        Tally { attempts: 2, first_token: Histogram::from_counts(&counts).unwrap(), ..Tally::default() };
    note_offer_minutes(&db, &[one]).await.unwrap();
    let told = only(&db, hours_ago(1)).await.tally.first_token;
    let told: Vec<i64> = told.counts().iter().map(|count| count.cast_signed()).collect();
    assert_eq!(told, counts);
}
