//! Where money comes from and goes to besides calls: grants, free tokens, plans, limits, corrections and returns.

use chrono::{TimeDelta, Utc};
use marketplace::account::Email;
use marketplace::billing::{TopUpState, Window};
use marketplace::id::CallId;
use marketplace::money::Nanos;
use sqlx::PgPool;
use store::account::update_verified;
use store::budget::{self, Scope, set_budget};
use store::correction::{
    Adjusted, Adjustment, approve_adjustment, give_promo, propose_adjustment, sweep_grants,
};
use store::ledger::{Capture, Limit, Reservation, Reserved, Run, capture, capture_many, get_balance};
use store::plan::{Subscribed, renew_subscriptions, subscribe};
use store::top_up::{Recorded, insert_top_up, record_payment};
use uuid::Uuid;

use crate::support::{Books, person, used};

impl Books {
    async fn posted(&self, fund: &str) -> i64 {
        let posted = sqlx::query_scalar("select posted from wallet where account_id = $1 and fund = $2");
        posted.bind(self.account.0).bind(fund).fetch_one(&self.root).await.unwrap()
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn promotional_money_is_spent_first_soonest_expiry_first_and_runs_out(root: PgPool) {
    let market = Books::with(root, 1_000).await;
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
    let market = Books::with(root, 1_000_000).await;
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
    let market = Books::with(root, 1_000_000).await;
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
    let market = Books::with(root, 1_000_000).await;
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
    let market = Books::with(root, 1_000).await;
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
    let market = Books::with(root, 1_000).await;
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
    let market = Books::with(root, 1_000).await;
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
    let market = Books::with(root, 25_000_000_000).await;
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
