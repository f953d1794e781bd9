//! Steps that are taken together end as if each had been taken for itself.

use chrono::{TimeDelta, Utc};
use futures_util::future::join_all;
use marketplace::id::{AccountId, CallId, KeyId};
use marketplace::money::Nanos;
use sqlx::PgPool;
use store::api_key::{KeyTerms, Secret, insert_key};
use store::budget::{Scope, set_budget};
use store::correction::give_promo;
use store::ledger::{
    Capture, Captured, Reservation, Reserved, Run, capture, capture_many, get_balance, reserve,
};
use uuid::Uuid;

use crate::support::{Books, pay_in, person, used, without_limits};

/// Calls of one account with a key and limits: four on money alone, one beyond its hold, one on a gift, one for nothing.
async fn calls(market: &Books, account: AccountId, name: &str, budget: Option<Nanos>) -> Vec<Capture> {
    let limit = Some(Nanos(50_000));
    if budget.is_some() {
        set_budget(&market.db, account, &Scope::Account, budget, None).await.unwrap();
    }
    let digest = [name.as_bytes(), [0; 32].as_slice()].concat();
    let secret = Secret { prefix: "mk_", digest: &digest };
    let terms = KeyTerms { limit, ..without_limits(name) };
    let key = insert_key(&market.db, account, secret, &terms).await.unwrap().id;
    let mut calls = Vec::new();
    for (turn, (cost, commission)) in [(70, 30), (7, 3), (700, 300), (7_000, 3_000)].into_iter().enumerate() {
        let run = budget.filter(|_| turn % 2 == 0).map(|_| Run { id: "nightly", limit: Some(Nanos(9_000)) });
        calls.push(used(open(market, account, (turn > 0).then_some(key), run).await, cost, commission, 5));
    }
    let soon = Utc::now() + TimeDelta::hours(1);
    give_promo(&market.db, Uuid::now_v7(), account, Nanos(600), soon, ("welcome", "test")).await.unwrap();
    calls.push(used(open(market, account, Some(key), None).await, 350, 150, 5));
    calls.push(used(open(market, account, Some(key), None).await, 0, 0, 0));
    calls
}

async fn open(market: &Books, account: AccountId, key: Option<KeyId>, run: Option<Run<'_>>) -> CallId {
    let wanted = Reservation { account, key, run, ..market.reservation(2_000, 2_000) };
    let (call, reserved) = market.reserve(wanted).await;
    assert!(matches!(reserved, Reserved::Held { .. }), "{reserved:?}");
    call
}

/// What is left of everything that was limited.
async fn left(market: &Books, account: AccountId) -> Vec<String> {
    let rows = "select format('%s %s %s %s', fund, posted, held, version) from wallet where account_id = $1
        union all select format('key %s %s', spent_nanos, held_nanos) from api_key where account_id = $1
        union all select format('%s %s %s', scope, spent_nanos, held_nanos) from budget where account_id = $1
        union all select format('grant %s', remaining) from grant_ where account_id = $1
        union all select format('%s %s %s', provider_cost, charge, overrun) from usage_call where account_id = $1
        union all select format('%s %s %s', line, e.amount, balance_after)
            from ledger_entry e join ledger_tx t using (tx_id) where t.account_id = $1
        order by 1";
    sqlx::query_scalar(rows).bind(account.0).fetch_all(&market.root).await.unwrap()
}

fn said(of: &Captured) -> (bool, Nanos, Nanos, Nanos, u64, Nanos) {
    (of.applied, of.paid, of.released, of.overrun, of.free_tokens, of.available)
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_group_is_booked_as_if_each_call_were_captured_for_itself(root: PgPool) {
    // What is booked together comes before a second capture of the same call.
    compare(root, None, 4).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn so_is_a_group_under_a_budget(root: PgPool) {
    compare(root, Some(Nanos(50_000)), 1).await;
}

/// Captures the same calls one by one and as a group, with a second capture of the first at this place.
async fn compare(root: PgPool, budget: Option<Nanos>, again: usize) {
    let market = Books::with(root, 100_000).await;
    let (alone, grouped) = (market.account, person(&market.db, "grace@example.org").await);
    pay_in(&market.db, grouped, 100_000).await;
    let (mut one_by_one, mut group) =
        (calls(&market, alone, "alone", budget).await, calls(&market, grouped, "grouped", budget).await);
    for calls in [&mut one_by_one, &mut group] {
        calls.insert(again, Capture { finish: "again".to_owned(), ..used(calls[0].call, 1, 0, 1) });
    }
    let mut singly = Vec::new();
    for call in &one_by_one {
        singly.push(capture(&market.db, call).await.unwrap());
    }
    let together = capture_many(&market.db, &group).await.unwrap();
    assert_eq!(together.iter().map(said).collect::<Vec<_>>(), singly.iter().map(said).collect::<Vec<_>>());
    assert_eq!(left(&market, grouped).await, left(&market, alone).await);
    let again = capture_many(&market.db, &group).await.unwrap();
    assert!(again.iter().all(|captured| !captured.applied), "{again:?}");
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_call_that_cannot_be_booked_changes_nothing_for_the_group(root: PgPool) {
    let market = Books::with(root, 10_000).await;
    let (first, second) = (market.hold(1_000).await, market.hold(1_000).await);
    // A commission of a half is not what these calls were opened with.
    let group = [used(first, 70, 30, 1), used(second, 50, 50, 1)];
    assert!(capture_many(&market.db, &group).await.is_err());
    assert_eq!(market.available().await, 8_000);
    assert!(market.capture(first, 70, 30).await.applied);
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn reservations_asked_for_at_once_are_answered_each_for_itself(root: PgPool) {
    let market = Books::with(root, 10_000).await;
    let there = market.hold(1_000).await;
    let wanted = [
        market.reservation(2_000, 2_000),
        // Opened already: the database refuses a second hold with this id, and with it the group.
        Reservation { call: there, ..market.reservation(2_000, 2_000) },
        Reservation { account: AccountId(Uuid::now_v7()), ..market.reservation(2_000, 2_000) },
        market.reservation(20_000, 20_000),
        market.reservation(3_000, 3_000),
    ];
    let answers = join_all(wanted.iter().map(|wanted| reserve(&market.db, wanted))).await;
    let [first, refused, nobody, dear, last] = answers.as_slice() else { unreachable!() };
    for held in [first, last] {
        assert!(matches!(held, Ok(Reserved::Held { .. })), "{held:?}");
    }
    assert!(refused.is_err(), "{refused:?}");
    assert!(matches!(nobody, Ok(Reserved::Gone)), "{nobody:?}");
    assert!(matches!(dear, Ok(Reserved::BalanceShort { .. })), "{dear:?}");
    let balance = get_balance(&market.db, market.account).await.unwrap();
    assert_eq!(balance.held_nanos, Nanos(1_000 + 2_000 + 3_000));
    market.assert_balanced().await;
}
