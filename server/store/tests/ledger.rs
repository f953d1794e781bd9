//! The ledger's functions on a real, fresh database, beside a second bookkeeping in plain integers.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use marketplace::account::{Email, Role};
use marketplace::billing::TopUpState;
use marketplace::id::{AccountId, CallId, ModelId, PriceId, ProviderId};
use marketplace::money::{Nanos, Rate};
use marketplace::price::{Charge, Price, Rates, TakeRate};
use marketplace::usage::{Tokens, UsageSource};
use sqlx::PgPool;
use store::Db;
use store::account::{NewAccount, insert_account};
use store::books::{INVARIANTS, Violation, list_violations};
use store::ledger::{
    Capture, Captured, Progress, Reservation, Reserved, capture, checkpoint, get_balance, reap, release,
    reserve,
};
use store::price::{Offer, set_prices};
use store::top_up::{Recorded, insert_top_up, record_payment};
use uuid::Uuid;

struct Books {
    /// With the rights of the server.
    db: Db,
    /// With every right, to look and to tamper.
    root: PgPool,
    account: AccountId,
    model: ModelId,
    provider: ProviderId,
    price: PriceId,
    server: Uuid,
}

impl Books {
    /// One account with so many nano-dollars, and one model for sale.
    async fn with(root: PgPool, amount: i64) -> Self {
        let db = Db::open(root.connect_options().as_ref().clone(), 8).await.unwrap();
        let email = Email::parse("ada@example.org").unwrap();
        let new = NewAccount { email: &email, password_hash: "-", name: None, role: Role::User };
        let account = insert_account(&db, &new).await.unwrap();
        let top_up = insert_top_up(&db, account, "test", Nanos(amount)).await.unwrap();
        let paid =
            record_payment(&db, "test", "evt_1", top_up.id, TopUpState::Paid, Nanos(amount)).await.unwrap();
        assert_eq!(paid, Recorded::Credited);
        let (model, provider) =
            (ModelId::parse("openai/gpt-5-mini").unwrap(), ProviderId("openai".to_owned()));
        let rates = Rates { input: Rate(250_000_000), output: Rate(2_000_000_000), ..Rates::default() };
        let price = Price { rates, ..Price::default() };
        let offer = Offer { model: &model, provider: &provider, price: &price, free: false };
        let price = set_prices(&db, &[offer]).await.unwrap()[0];
        Self { db, root, account, model, provider, price, server: Uuid::now_v7() }
    }

    async fn reserve(&self, want: i64, least: i64) -> (CallId, Reserved) {
        let call = CallId(Uuid::now_v7());
        let wanted = Reservation {
            call,
            account: self.account,
            key: None,
            conversation: None,
            model: &self.model,
            provider: &self.provider,
            price: self.price,
            take: TakeRate::STANDARD,
            want: Nanos(want),
            least: Nanos(least),
            free_tokens: None,
            run: None,
            instance: self.server,
        };
        (call, reserve(&self.db, &wanted).await.unwrap())
    }

    async fn capture(&self, call: CallId, cost: i64, commission: i64) -> Captured {
        let charge = charge(cost, commission);
        let tokens = Tokens { output: 1, ..Tokens::default() };
        let used = Capture { call, tokens, source: UsageSource::Provider, charge, finish: "stop".to_owned() };
        capture(&self.db, &used).await.unwrap()
    }

    async fn available(&self) -> i64 {
        get_balance(&self.db, self.account).await.unwrap().available_nanos.0
    }

    async fn assert_balanced(&self) {
        assert_eq!(self.violations().await, []);
    }

    async fn violations(&self) -> Vec<Violation> {
        let mut broken = Vec::new();
        for invariant in INVARIANTS {
            broken.extend(list_violations(&self.db, invariant, 10).await.unwrap());
        }
        broken
    }
}

fn held(amount: i64, available: i64) -> Reserved {
    Reserved::Held { amount: Nanos(amount), free_tokens: 0, available: Nanos(available) }
}

fn charge(cost: i64, commission: i64) -> Charge {
    Charge { provider_cost: Nanos(cost), commission: Nanos(commission), charge: Nanos(cost + commission) }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_capture_takes_what_was_used_and_gives_the_rest_back(db: PgPool) {
    let books = Books::with(db, 1_000).await;
    let (call, reserved) = books.reserve(600, 100).await;
    assert_eq!(reserved, held(600, 400));
    let captured = books.capture(call, 70, 30).await;
    assert_eq!((captured.paid, captured.released, captured.overrun), (Nanos(100), Nanos(500), Nanos(0)));
    assert_eq!(books.available().await, 900);
    books.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_second_capture_changes_nothing_and_answers_the_first(db: PgPool) {
    let books = Books::with(db, 1_000).await;
    let (call, _) = books.reserve(600, 100).await;
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
    let (call, _) = books.reserve(600, 100).await;
    let captured = books.capture(call, 7_000, 3_000).await;
    assert_eq!((captured.paid, captured.overrun), (Nanos(600), Nanos(9_400)));
    assert_eq!(books.available().await, 400);
    books.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_hold_takes_what_is_there_but_never_less_than_it_needs(db: PgPool) {
    let books = Books::with(db, 1_000).await;
    let (_, first) = books.reserve(800, 100).await;
    assert_eq!(first, held(800, 200));
    let (_, second) = books.reserve(800, 100).await;
    assert_eq!(second, held(200, 0));
    let (_, third) = books.reserve(800, 100).await;
    assert_eq!(third, Reserved::BalanceShort { available: Nanos(0) });
    books.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_reaper_settles_at_what_was_written_down_and_guesses_nothing(db: PgPool) {
    let books = Books::with(db, 1_000).await;
    let ((told, _), (silent, _), (alive, _)) =
        (books.reserve(300, 1).await, books.reserve(300, 1).await, books.reserve(300, 1).await);
    let progress = [Progress { call: told, input: 3, output: 5, charge: charge(70, 30) }];
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
    let (call, _) = books.reserve(600, 100).await;
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
    let (call, _) = books.reserve(600, 100).await;
    let dearer =
        Price { rates: Rates { input: Rate(1), output: Rate(9), ..Rates::default() }, ..Price::default() };
    let offer = Offer { model: &books.model, provider: &books.provider, price: &dearer, free: false };
    let newer = set_prices(&books.db, &[offer]).await.unwrap()[0];
    assert_ne!(newer, books.price);
    assert_eq!(books.reserve(100, 10).await.1, Reserved::PriceChanged);
    assert_eq!(books.capture(call, 70, 30).await.paid, Nanos(100));
    books.assert_balanced().await;
}
