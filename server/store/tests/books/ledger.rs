//! The steps of a call, beside a second bookkeeping in plain integers.

use marketplace::billing::TopUpState;
use marketplace::money::{Nanos, Rate};
use marketplace::price::{Price, Rates};
use sqlx::PgPool;
use store::ledger::{Progress, Reserved, checkpoint, reap, release};
use store::price::{Offer, set_prices};
use store::top_up::{Recorded, insert_top_up, record_payment};
use uuid::Uuid;

use crate::support::{Books, charge};

fn held(amount: i64, available: i64) -> Reserved {
    Reserved::Held { amount: Nanos(amount), free_tokens: 0, available: Nanos(available) }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_capture_takes_what_was_used_and_gives_the_rest_back(db: PgPool) {
    let books = Books::with(db, 1_000).await;
    let (call, reserved) = books.reserve(books.reservation(600, 100)).await;
    assert_eq!(reserved, held(600, 400));
    let captured = books.capture(call, 70, 30).await;
    assert_eq!((captured.paid, captured.released, captured.overrun), (Nanos(100), Nanos(500), Nanos(0)));
    assert_eq!(books.available().await, 900);
    books.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_second_capture_changes_nothing_and_answers_the_first(db: PgPool) {
    let books = Books::with(db, 1_000).await;
    let (call, _) = books.reserve(books.reservation(600, 100)).await;
    let first = books.capture(call, 70, 30).await;
    let second = books.capture(call, 140, 60).await;
    assert!(first.applied && !second.applied);
    assert_eq!((second.paid, second.released), (first.paid, first.released));
    let late = release(&books.db, call, "late").await.unwrap();
    assert!(!late.applied);
    assert_eq!(books.available().await, 900);
    books.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_house_pays_what_a_provider_reports_beyond_the_hold(db: PgPool) {
    let books = Books::with(db, 1_000).await;
    let (call, _) = books.reserve(books.reservation(600, 100)).await;
    let captured = books.capture(call, 7_000, 3_000).await;
    assert_eq!((captured.paid, captured.overrun), (Nanos(600), Nanos(9_400)));
    assert_eq!(books.available().await, 400);
    books.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_hold_takes_what_is_there_but_never_less_than_it_needs(db: PgPool) {
    let books = Books::with(db, 1_000).await;
    let (_, first) = books.reserve(books.reservation(800, 100)).await;
    assert_eq!(first, held(800, 200));
    let (_, second) = books.reserve(books.reservation(800, 100)).await;
    assert_eq!(second, held(200, 0));
    let (_, third) = books.reserve(books.reservation(800, 100)).await;
    assert_eq!(third, Reserved::BalanceShort { available: Nanos(0) });
    books.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_reaper_settles_at_what_was_written_down_and_guesses_nothing(db: PgPool) {
    let books = Books::with(db, 1_000).await;
    let ((told, _), (silent, _), (alive, _)) = (
        books.reserve(books.reservation(300, 1)).await,
        books.reserve(books.reservation(300, 1)).await,
        books.reserve(books.reservation(300, 1)).await,
    );
    let progress =
        [Progress { call: told, input: 3, output: 5, charge: charge(70, 30), most: Nanos(i64::MAX) }];
    assert_eq!(checkpoint(&books.db, books.server, &progress).await.unwrap(), [told]);
    assert_eq!(checkpoint(&books.db, Uuid::now_v7(), &progress).await.unwrap(), []);
    sqlx::query("update hold set lease_until = now() - interval '1 second' where call_id = any($1)")
        .bind([told.0, silent.0])
        .execute(&books.root)
        .await
        .unwrap();
    assert_eq!(reap(&books.db, books.server).await.unwrap(), 2);
    assert_eq!(reap(&books.db, books.server).await.unwrap(), 0);
    assert_eq!(books.available().await, 1_000 - 100 - 300);
    assert!(!books.capture(told, 140, 60).await.applied, "the late server still took money");
    release(&books.db, alive, "stopped").await.unwrap();
    books.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_checkpoint_that_comes_late_undoes_no_newer_one(db: PgPool) {
    let books = Books::with(db, 1_000).await;
    let call = books.hold(300).await;
    for (output, cost, commission) in [(9, 70, 30), (5, 35, 15)] {
        let progress =
            [Progress { call, input: 3, output, charge: charge(cost, commission), most: Nanos(i64::MAX) }];
        assert_eq!(checkpoint(&books.db, books.server, &progress).await.unwrap(), [call], "it is still ours");
    }
    books.tamper("update hold set lease_until = now() - interval '1 second'").await;
    assert_eq!(reap(&books.db, books.server).await.unwrap(), 1);
    assert_eq!(books.available().await, 900);
    books.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_server_learns_at_its_next_checkpoint_that_another_has_closed_its_hold(db: PgPool) {
    let books = Books::with(db, 1_000).await;
    let call = books.hold(300).await;
    let come_to = |output, cost, commission| {
        [Progress { call, input: 3, output, charge: charge(cost, commission), most: Nanos(i64::MAX) }]
    };
    assert_eq!(checkpoint(&books.db, books.server, &come_to(5, 70, 30)).await.unwrap(), [call]);
    books.tamper("update hold set lease_until = now() - interval '1 second'").await;
    assert_eq!(reap(&books.db, Uuid::now_v7()).await.unwrap(), 1);
    assert_eq!(checkpoint(&books.db, books.server, &come_to(9, 140, 60)).await.unwrap(), []);
    let (output, is_over): (i64, bool) =
        sqlx::query_as("select progress_output, lease_until < now() from hold where call_id = $1")
            .bind(call.0)
            .fetch_one(&books.root)
            .await
            .unwrap();
    assert_eq!((output, is_over), (5, true), "a hold that was closed went on");
    books.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_payment_is_credited_once_whatever_is_repeated(db: PgPool) {
    let books = Books::with(db, 1_000).await;
    let top_up = insert_top_up(&books.db, books.account, "test", Nanos(500)).await.unwrap();
    let told = |event: &'static str, kind, amount| {
        record_payment(&books.db, "test", event, top_up.id, kind, Nanos(amount))
    };
    assert_eq!(told("evt_2", TopUpState::Paid, 501).await.unwrap(), Recorded::Mismatch);
    assert_eq!(told("evt_2", TopUpState::Declined, 500).await.unwrap(), Recorded::Declined);
    assert_eq!(told("evt_3", TopUpState::Paid, 500).await.unwrap(), Recorded::Credited);
    for event in ["evt_3", "evt_4"] {
        assert_eq!(told(event, TopUpState::Paid, 500).await.unwrap(), Recorded::Duplicate);
    }
    assert_eq!(books.available().await, 1_500);
    books.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn history_cannot_be_changed_and_a_change_by_force_is_named(db: PgPool) {
    let books = Books::with(db, 1_000).await;
    let (call, _) = books.reserve(books.reservation(600, 100)).await;
    books.capture(call, 70, 30).await;
    for attempt in [
        "update ledger_entry set amount = amount + 1",
        "delete from ledger_entry",
        "truncate ledger_entry cascade",
        "update ledger_tx set kind = 'gift'",
        "update usage_call set charge = charge",
        "update price set terms = terms || '{\"input\": 1}'",
        "delete from price",
    ] {
        assert!(sqlx::query(attempt).execute(&books.root).await.is_err(), "{attempt} was let through");
    }
    let by_force = "alter table ledger_entry disable trigger all;
        update ledger_entry set created_at = now(), balance_after = balance_after + 1, amount = amount + 1
        where account like 'user:%' and wallet_version = 1;
        alter table ledger_entry enable trigger all";
    sqlx::raw_sql(by_force).execute(&books.root).await.unwrap();
    let named: Vec<String> = books.violations().await.into_iter().map(|broken| broken.invariant).collect();
    for invariant in ["I1", "I2", "I3", "I6", "I11"] {
        assert!(named.iter().any(|name| name == invariant), "{invariant} did not notice: {named:?}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_replaced_price_begins_no_new_call_and_settles_the_old_one(db: PgPool) {
    let books = Books::with(db, 1_000).await;
    let (call, _) = books.reserve(books.reservation(600, 100)).await;
    let rates = Rates { input: Rate(250_000_000), output: Rate(2_100_000_000), ..Rates::default() };
    let dearer = Price { rates, ..Price::default() };
    let offer =
        Offer { model: &books.model, provider: &books.provider, price: &dearer, free: false, from: None };
    let newer = set_prices(&books.db, &[offer]).await.unwrap()[0];
    assert_ne!(newer, books.price);
    assert_eq!(books.reserve(books.reservation(100, 10)).await.1, Reserved::PriceChanged);
    assert_eq!(books.capture(call, 70, 30).await.paid, Nanos(100));
    books.assert_balanced().await;
}
