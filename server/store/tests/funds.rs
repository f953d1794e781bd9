//! Where money comes from and goes to besides calls: grants, free tokens, plans, limits, corrections and returns.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use chrono::{TimeDelta, Utc};
use marketplace::account::{Email, Role};
use marketplace::billing::{TopUpState, Window};
use marketplace::id::{AccountId, CallId, ModelId, PriceId, ProviderId, TopUpId};
use marketplace::money::{Nanos, Rate};
use marketplace::price::{Charge, Price, Rates, TakeRate};
use marketplace::usage::{Tokens, UsageSource};
use sqlx::PgPool;
use store::Db;
use store::account::{NewAccount, insert_account, update_verified};
use store::books::{
    INVARIANTS, check_recent, list_broken_blocks, list_violations, note_whole_check, seal_block,
};
use store::budget::{self, Scope, set_budget};
use store::correction::{
    Adjusted, Adjustment, approve_adjustment, give_promo, propose_adjustment, sweep_grants,
};
use store::ledger::{
    Capture, Captured, Limit, Reservation, Reserved, Run, capture, capture_many, get_balance, reserve,
};
use store::plan::{Subscribed, renew_subscriptions, subscribe};
use store::price::{Offer, set_prices};
use store::top_up::{Recorded, insert_top_up, record_payment};
use uuid::Uuid;

struct Market {
    db: Db,
    root: PgPool,
    account: AccountId,
    top_up: TopUpId,
    model: ModelId,
    provider: ProviderId,
    price: PriceId,
}

impl Market {
    async fn with(root: PgPool, amount: i64) -> Self {
        let db = Db::open(root.connect_options().as_ref().clone(), 16).await.unwrap();
        let account = person(&db, "ada@example.org").await;
        let top_up = insert_top_up(&db, account, "test", Nanos(amount)).await.unwrap().id;
        record_payment(&db, "test", "evt_paid", top_up, TopUpState::Paid, Nanos(amount)).await.unwrap();
        let (model, provider) =
            (ModelId::parse("openai/gpt-5-mini").unwrap(), ProviderId("openai".to_owned()));
        let rates = Rates { input: Rate(250_000_000), output: Rate(2_000_000_000), ..Rates::default() };
        let price = Price { rates, ..Price::default() };
        let offer = Offer { model: &model, provider: &provider, price: &price, free: false };
        let price = set_prices(&db, &[offer]).await.unwrap()[0];
        Self { db, root, account, top_up, model, provider, price }
    }

    fn reservation(&self, want: i64, least: i64) -> Reservation<'_> {
        Reservation {
            call: CallId(Uuid::now_v7()),
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
            instance: Uuid::nil(),
        }
    }

    async fn reserve(&self, wanted: Reservation<'_>) -> (CallId, Reserved) {
        (wanted.call, reserve(&self.db, &wanted).await.unwrap())
    }

    async fn hold(&self, want: i64) -> CallId {
        let (call, reserved) = self.reserve(self.reservation(want, want)).await;
        assert!(matches!(reserved, Reserved::Held { .. }), "{reserved:?}");
        call
    }

    async fn capture(&self, call: CallId, cost: i64, commission: i64) -> Captured {
        capture(&self.db, &used(call, cost, commission, 1)).await.unwrap()
    }

    async fn available(&self) -> i64 {
        get_balance(&self.db, self.account).await.unwrap().available_nanos.0
    }

    async fn posted(&self, fund: &str) -> i64 {
        let posted = sqlx::query_scalar("select posted from wallet where account_id = $1 and fund = $2");
        posted.bind(self.account.0).bind(fund).fetch_one(&self.root).await.unwrap()
    }

    /// Entries that no block holds yet.
    async fn unsealed(&self) -> i64 {
        let unsealed = "select count(*) from ledger_entry where xid >= coalesce((select max(upto_xid) from ledger_block), '0')";
        sqlx::query_scalar(unsealed).fetch_one(&self.root).await.unwrap()
    }

    /// What the running check finds, once it has got as far as the newest entry.
    async fn checked(&self) -> Vec<String> {
        let behind = "select count(*) from ledger_entry where xid >= (select max(upto) from book_check)";
        loop {
            let broken = check_recent(&self.db).await.unwrap().unwrap();
            let left: i64 = sqlx::query_scalar(behind).fetch_one(&self.root).await.unwrap();
            if !broken.is_empty() || left == 0 {
                return broken;
            }
        }
    }

    async fn tamper(&self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(&self.root).await.unwrap();
    }

    async fn assert_balanced(&self) {
        for invariant in INVARIANTS {
            assert_eq!(list_violations(&self.db, invariant, 5).await.unwrap(), []);
        }
        assert_eq!(self.checked().await, Vec::<String>::new());
    }
}

async fn person(db: &Db, email: &str) -> AccountId {
    let email = Email::parse(email).unwrap();
    let new = NewAccount { email: &email, password_hash: "-", name: None, role: Role::User };
    insert_account(db, &new).await.unwrap()
}

fn used(call: CallId, cost: i64, commission: i64, output: u64) -> Capture {
    let charge = Charge {
        provider_cost: Nanos(cost),
        commission: Nanos(commission),
        charge: Nanos(cost + commission),
    };
    let tokens = Tokens { output, ..Tokens::default() };
    Capture { call, tokens, source: UsageSource::Provider, charge, finish: "stop".to_owned() }
}

#[sqlx::test(migrations = "../../migrations")]
async fn promotional_money_is_spent_first_soonest_expiry_first_and_runs_out(root: PgPool) {
    let market = Market::with(root, 1_000).await;
    let soon = Utc::now() + TimeDelta::hours(1);
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    let give =
        |id, amount, at| give_promo(&market.db, id, market.account, Nanos(amount), at, ("welcome", "test"));
    assert!(give(second, 300, soon + TimeDelta::days(1)).await.unwrap());
    assert!(give(first, 200, soon).await.unwrap());
    assert!(!give(first, 200, soon).await.unwrap(), "a grant was given twice");
    assert_eq!(market.available().await, 1_500);
    let call = market.hold(1_400).await;
    let captured = market.capture(call, 280, 120).await;
    assert_eq!((captured.paid, captured.available), (Nanos(400), Nanos(1_100)));
    assert_eq!((market.posted("promo").await, market.posted("paid").await), (100, 1_000));
    let left: Vec<i64> = sqlx::query_scalar("select remaining from grant_ order by expires_at")
        .fetch_all(&market.root)
        .await
        .unwrap();
    assert_eq!(left, [0, 100]);
    market.tamper("update grant_ set expires_at = now() - interval '1 second'").await;
    assert_eq!(sweep_grants(&market.db).await.unwrap(), 1);
    assert_eq!(market.available().await, 1_000);
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn free_tokens_come_once_a_month_to_a_known_address_and_are_never_overspent(root: PgPool) {
    let market = Market::with(root, 1_000_000).await;
    let wanting = || Reservation { free_tokens: Some((200, 100)), ..market.reservation(500, 100) };
    let (unknown, reserved) = market.reserve(wanting()).await;
    assert!(matches!(reserved, Reserved::Held { amount: Nanos(500), free_tokens: 0, .. }), "{reserved:?}");
    market.capture(unknown, 0, 0).await;
    update_verified(&market.db, market.account, &Email::parse("ada@example.org").unwrap()).await.unwrap();
    let racing = (0..50).map(|_| async { market.reserve(wanting()).await });
    let held = futures_util::future::join_all(racing).await;
    let free: Vec<CallId> = held
        .iter()
        .filter(|(_, reserved)| {
            matches!(reserved, Reserved::Held { free_tokens: 200, amount: Nanos::ZERO, .. })
        })
        .map(|(call, _)| *call)
        .collect();
    assert_eq!(free.len(), 5, "1,000 free tokens held 200 at a time");
    let captured = capture(&market.db, &used(free[0], 70, 0, 150)).await.unwrap();
    assert_eq!((captured.paid, captured.free_tokens), (Nanos::ZERO, 150));
    assert_eq!(market.posted("free").await, 850);
    // The month turns while four calls still hold tokens of the old one: what they do not use is not carried over.
    market
        .tamper(
            "begin; set local session_replication_role = replica;
            update wallet set period = '2000-01' where fund = 'free';
            update hold set free_period = '2000-01' where free_tokens > 0;
            update grant_ set period = '2000-01';
            update ledger_tx set idempotency_key = 'free:long ago' where kind = 'free_tokens'; commit",
        )
        .await;
    let (_, reserved) = market.reserve(wanting()).await;
    assert!(matches!(reserved, Reserved::Held { free_tokens: 200, .. }), "{reserved:?}");
    for call in &free[1..] {
        capture(&market.db, &used(*call, 0, 0, 0)).await.unwrap();
    }
    assert_eq!(market.posted("free").await, 1_000, "old tokens were carried over");
    for (call, _) in held {
        capture(&market.db, &used(call, 0, 0, 0)).await.unwrap();
    }
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_run_is_never_raced_past_its_cap(root: PgPool) {
    let market = Market::with(root, 1_000_000).await;
    let run = Some(Run { id: "nightly", limit: Some(Nanos(1_000)) });
    let racing =
        (0..32).map(|_| async { market.reserve(Reservation { run, ..market.reservation(300, 300) }).await });
    let held = futures_util::future::join_all(racing).await;
    let admitted: Vec<CallId> =
        held.iter().filter(|(_, r)| matches!(r, Reserved::Held { .. })).map(|(call, _)| *call).collect();
    assert_eq!(admitted.len(), 3);
    let refused =
        held.iter().filter(|(_, r)| matches!(r, Reserved::LimitReached { limit: Limit::Run, .. })).count();
    assert_eq!(refused, 29);
    let group: Vec<Capture> = admitted.iter().map(|call| used(*call, 70, 30, 1)).collect();
    let done = capture_many(&market.db, &group).await.unwrap();
    assert!(done.len() == 3 && done.iter().all(|one| one.applied && one.paid == Nanos(100)));
    assert_eq!(market.available().await, 1_000_000 - 300);
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_limit_that_resets_begins_anew_and_keeps_what_is_held(root: PgPool) {
    let market = Market::with(root, 1_000_000).await;
    let limit = |amount| {
        set_budget(&market.db, market.account, &Scope::Account, Some(Nanos(amount)), Some(Window::Day))
    };
    assert_eq!(limit(1_000).await.unwrap(), budget::Outcome::Set);
    let call = market.hold(600).await;
    market.capture(call, 420, 180).await;
    market.hold(300).await;
    assert_eq!(limit(899).await.unwrap(), budget::Outcome::BelowSpent);
    let (_, refused) = market.reserve(market.reservation(200, 200)).await;
    let Reserved::LimitReached { limit: Limit::Account, available: Nanos(100), resets_at: Some(at) } =
        refused
    else {
        panic!("{refused:?}")
    };
    assert!(at > Utc::now() && at <= Utc::now() + TimeDelta::days(1));
    market.tamper("update budget set window_started_at = now() - interval '2 days'").await;
    market.hold(700).await;
    let (_, refused) = market.reserve(market.reservation(1, 1)).await;
    assert!(matches!(refused, Reserved::LimitReached { available: Nanos::ZERO, .. }), "{refused:?}");
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_large_adjustment_needs_two_operators_and_nobody_adjusts_their_own(root: PgPool) {
    let market = Market::with(root, 1_000).await;
    let (one, two) =
        (person(&market.db, "one@example.org").await, person(&market.db, "two@example.org").await);
    let adjust = |id, amount, operator| {
        let new =
            Adjustment { id, account: market.account, amount: Nanos(amount), reason: "goodwill", operator };
        let db = market.db.clone();
        async move { propose_adjustment(&db, &new).await.unwrap() }
    };
    let (small, large) = (Uuid::now_v7(), Uuid::now_v7());
    assert_eq!(adjust(small, 500_000_000_000, one).await, Adjusted::Posted);
    assert_eq!(adjust(small, 500_000_000_000, one).await, Adjusted::AlreadyDecided);
    assert_eq!(adjust(large, 500_000_000_001, one).await, Adjusted::Waiting);
    assert_eq!(adjust(Uuid::now_v7(), 5, market.account).await, Adjusted::OwnAccount);
    assert_eq!(adjust(Uuid::now_v7(), -500_000_000_000 - 1_001, one).await, Adjusted::Waiting);
    assert_eq!(adjust(Uuid::now_v7(), -400_000_000_000, one).await, Adjusted::Posted);
    assert_eq!(adjust(Uuid::now_v7(), -400_000_000_000, one).await, Adjusted::BalanceShort);
    assert_eq!(approve_adjustment(&market.db, large, one).await.unwrap(), Adjusted::SecondNeeded);
    assert_eq!(approve_adjustment(&market.db, large, market.account).await.unwrap(), Adjusted::OwnAccount);
    assert_eq!(approve_adjustment(&market.db, large, two).await.unwrap(), Adjusted::Posted);
    assert_eq!(approve_adjustment(&market.db, large, two).await.unwrap(), Adjusted::AlreadyDecided);
    assert_eq!(market.available().await, 1_000 + 100_000_000_000 + 500_000_000_001);
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn money_that_goes_back_leaves_a_debt_where_it_was_spent_and_freezes_the_account(root: PgPool) {
    let market = Market::with(root, 1_000).await;
    let told = |event: &'static str, kind, amount| {
        record_payment(&market.db, "test", event, market.top_up, kind, Nanos(amount))
    };
    assert_eq!(told("evt_r1", TopUpState::Refunded, 300).await.unwrap(), Recorded::Returned);
    for event in ["evt_r1", "evt_r2"] {
        assert_eq!(told(event, TopUpState::Refunded, 300).await.unwrap(), Recorded::Duplicate);
    }
    assert_eq!(market.available().await, 700);
    let call = market.hold(600).await;
    market.capture(call, 420, 180).await;
    assert_eq!(told("evt_c", TopUpState::ChargedBack, 1_000).await.unwrap(), Recorded::Returned);
    assert_eq!(market.available().await, 0);
    let debt: i64 =
        sqlx::query_scalar("select sum(amount)::bigint from ledger_entry where account like 'user:%:debt'")
            .fetch_one(&market.root)
            .await
            .unwrap();
    assert_eq!(debt, -600);
    assert_eq!(market.reserve(market.reservation(1, 1)).await.1, Reserved::Frozen);
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn news_in_the_wrong_order_comes_to_the_same_end(root: PgPool) {
    let market = Market::with(root, 1_000).await;
    let late = insert_top_up(&market.db, market.account, "test", Nanos(500)).await.unwrap().id;
    let told = |event: &'static str, kind, amount| {
        record_payment(&market.db, "test", event, late, kind, Nanos(amount))
    };
    assert_eq!(told("evt_back", TopUpState::Refunded, 200).await.unwrap(), Recorded::Noted);
    assert_eq!(market.available().await, 1_000);
    assert_eq!(told("evt_late", TopUpState::Paid, 500).await.unwrap(), Recorded::Credited);
    assert_eq!(market.available().await, 1_300);
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_plan_is_paid_from_the_balance_renewed_once_and_ends_when_it_cannot_be_paid(root: PgPool) {
    let market = Market::with(root, 25_000_000_000).await;
    let choose = |plan: &'static str| subscribe(&market.db, market.account, plan);
    assert_eq!(choose("pro").await.unwrap(), Subscribed::BalanceShort);
    assert_eq!(choose("starter").await.unwrap(), Subscribed::Begun);
    assert_eq!(choose("starter").await.unwrap(), Subscribed::AlreadyRunning);
    assert_eq!(market.available().await, 15_000_000_000);
    market.tamper("update subscription set paid_until = now() - interval '1 day'").await;
    let renewals = futures_util::future::join_all((0..8).map(|_| renew_subscriptions(&market.db))).await;
    assert_eq!(renewals.into_iter().map(Result::unwrap).sum::<i64>(), 1);
    assert_eq!(market.available().await, 5_000_000_000);
    market.tamper("update subscription set paid_until = now() - interval '2 days'").await;
    renew_subscriptions(&market.db).await.unwrap();
    assert_eq!(market.available().await, 5_000_000_000);
    assert_eq!(get_balance(&market.db, market.account).await.unwrap().plan, "free");
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_broken_book_stops_paid_calls_until_a_whole_check_finds_nothing(root: PgPool) {
    let market = Market::with(root, 1_000).await;
    assert_eq!(market.checked().await, Vec::<String>::new());
    let call = market.hold(100).await;
    market.capture(call, 70, 30).await;
    market.tamper("update wallet set posted = posted + 5 where fund = 'paid'").await;
    let broken = market.checked().await;
    assert!(broken.iter().any(|line| line.starts_with("I3 ")), "{broken:?}");
    assert_eq!(market.reserve(market.reservation(1, 1)).await.1, Reserved::BooksBroken);
    assert_eq!(market.available().await, 905, "reads go on");
    let more = insert_top_up(&market.db, market.account, "test", Nanos(50)).await.unwrap().id;
    let paid =
        record_payment(&market.db, "test", "evt_more", more, TopUpState::Paid, Nanos(50)).await.unwrap();
    assert_eq!(paid, Recorded::Credited, "payments go on");
    note_whole_check(&market.db, &["I3 still".to_owned()], Utc::now(), "test").await.unwrap();
    assert_eq!(market.reserve(market.reservation(1, 1)).await.1, Reserved::BooksBroken);
    market.tamper("update wallet set posted = posted - 5 where fund = 'paid'; alter table ledger_entry disable trigger all;
        update ledger_entry set balance_after = balance_after - 5 where balance_after = 955; alter table ledger_entry enable trigger all").await;
    note_whole_check(&market.db, &[], Utc::now(), "test").await.unwrap();
    market.hold(1).await;
    let audited: i64 = sqlx::query_scalar("select count(*) from audit_event where action like 'books.%'")
        .fetch_one(&market.root)
        .await
        .unwrap();
    assert_eq!(audited, 2);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_sealed_block_notices_every_change_by_force(root: PgPool) {
    let market = Market::with(root, 1_000_000).await;
    for _ in 0..20 {
        let call = market.hold(100).await;
        market.capture(call, 70, 30).await;
    }
    // Transactions of other databases on this server may hold a seal back for a moment.
    while market.unsealed().await > 0 {
        seal_block(&market.db).await.unwrap();
    }
    assert_eq!(seal_block(&market.db).await.unwrap(), None, "an empty block was sealed");
    assert_eq!(list_broken_blocks(&market.db).await.unwrap(), Vec::<i64>::new());
    for change in [
        "update ledger_entry set amount = amount + 1 where account = 'platform:commission' and tx_id = (select min(tx_id::text)::uuid from ledger_tx where kind = 'usage')",
        "delete from ledger_entry where account = 'platform:commission' and tx_id = (select max(tx_id::text)::uuid from ledger_tx where kind = 'usage')",
        "insert into ledger_entry (tx_id, line, account, asset, amount, xid) select tx_id, 99, 'platform:commission', 'USD', 1, xid from ledger_entry limit 1",
        "update ledger_entry set account = 'platform:gift' where account = 'platform:commission'",
    ] {
        let mut tampering = market.root.begin().await.unwrap();
        sqlx::raw_sql("set local session_replication_role = replica").execute(&mut *tampering).await.unwrap();
        sqlx::raw_sql(change).execute(&mut *tampering).await.unwrap();
        let broken: i64 = sqlx::query_scalar("select count(*) from ledger.broken_block")
            .fetch_one(&mut *tampering)
            .await
            .unwrap();
        assert!(broken > 0, "not noticed: {change}");
        tampering.rollback().await.unwrap();
    }
}
