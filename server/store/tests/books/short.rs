//! Whoever goes on asking without money is refused without a lock or a write, and never when the money is there.

use chrono::{TimeDelta, Utc};
use marketplace::billing::Window;
use marketplace::money::Nanos;
use sqlx::PgPool;
use store::Db;
use store::api_key::{KeyTerms, Secret, insert_key};
use store::budget::{Scope, set_budget};
use store::correction::give_promo;
use store::ledger::{Limit, Reserved, reserve};
use uuid::Uuid;

use crate::support::{Books, pay_in, without_limits};

const SHORT: Reserved = Reserved::BalanceShort { available: Nanos(1_000) };

/// What a lock leaves behind on a wallet.
async fn lock(market: &Books) -> String {
    let last = "select xmin::text || ' ' || xmax::text from wallet where account_id = $1 and fund = 'paid'";
    sqlx::query_scalar(last).bind(market.account.0).fetch_one(&market.root).await.unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_second_refusal_locks_nothing_and_who_pays_in_is_served_at_once(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let ask = || async { market.reserve(market.reservation(5_000, 2_000)).await.1 };
    let untouched = lock(&market).await;
    assert_eq!(ask().await, SHORT);
    let refused = lock(&market).await;
    assert_ne!(refused, untouched, "a lock leaves nothing behind, so this test says nothing");
    for _ in 0..3 {
        assert_eq!(ask().await, SHORT);
    }
    assert_eq!(lock(&market).await, refused);
    pay_in(&market.db, market.account, 1_000).await;
    let held = Reserved::Held { amount: Nanos(2_000), free_tokens: 0, available: Nanos(0) };
    assert_eq!(ask().await, held);
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_is_doubted_is_answered_as_everybody_else(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let key = async |name: &str, terms: KeyTerms<'_>| {
        let digest = [name.as_bytes(), [0; 32].as_slice()].concat();
        let secret = Secret { prefix: "mk_", digest: &digest };
        insert_key(&market.db, market.account, secret, &terms).await.unwrap().id
    };
    let free = key("free", without_limits("free")).await;
    let limited = key("limited", KeyTerms { limit: Some(Nanos(500)), ..without_limits("limited") }).await;
    // Another server doubts nobody.
    let other = Db::open(market.root.connect_options().as_ref().clone(), 4).await.unwrap();
    let asked = async |key, least: i64| {
        // Doubted from here on.
        assert!(!matches!(
            market.reserve(market.reservation(1_000_000, 900_000)).await.1,
            Reserved::Held { .. }
        ));
        let wanted = store::ledger::Reservation { key, ..market.reservation(least, least) };
        let here = reserve(&market.db, &wanted).await.unwrap();
        let there = store::ledger::Reservation { call: market.reservation(1, 1).call, ..wanted };
        let there = if matches!(here, Reserved::Held { .. }) {
            // The same money again would not be there.
            store::ledger::release(&market.db, wanted.call, "stopped").await.unwrap();
            let held = reserve(&other, &there).await.unwrap();
            store::ledger::release(&market.db, there.call, "stopped").await.unwrap();
            held
        } else {
            reserve(&other, &there).await.unwrap()
        };
        assert_eq!(here, there, "{key:?} {least}");
        here
    };
    let reached =
        |limit, available| Reserved::LimitReached { limit, available: Nanos(available), resets_at: None };
    assert_eq!(asked(Some(free), 2_000).await, SHORT);
    assert!(matches!(asked(Some(free), 1_000).await, Reserved::Held { .. }));
    assert_eq!(asked(Some(limited), 2_000).await, reached(Limit::Key, 500));
    // A gift counts until it runs out.
    let soon = Utc::now() + TimeDelta::hours(1);
    give_promo(&market.db, Uuid::now_v7(), market.account, Nanos(600), soon, ("welcome", "test"))
        .await
        .unwrap();
    assert!(matches!(asked(None, 1_600).await, Reserved::Held { .. }));
    assert_eq!(asked(None, 1_601).await, Reserved::BalanceShort { available: Nanos(1_600) });
    market.tamper("update grant_ set expires_at = now()").await;
    assert_eq!(asked(None, 1_600).await, SHORT);
    market.tamper("update api_key set disabled_at = now() where limit_nanos is null").await;
    assert_eq!(asked(Some(free), 2_000).await, Reserved::KeyDisabled);
    market.tamper("update api_key set revoked_at = now() where limit_nanos is null").await;
    assert_eq!(asked(Some(free), 2_000).await, Reserved::Gone);
    set_budget(&market.db, market.account, &Scope::Account, Some(Nanos(700)), None).await.unwrap();
    assert_eq!(asked(None, 2_000).await, reached(Limit::Account, 700));
    set_budget(&market.db, market.account, &Scope::Account, None, None::<Window>).await.unwrap();
    market.tamper("update account set frozen_at = now()").await;
    assert_eq!(asked(None, 2_000).await, Reserved::Frozen);
    market.tamper("update account set suspended_at = now()").await;
    assert_eq!(asked(None, 2_000).await, Reserved::Gone);
    market.tamper("update price set valid_during = tstzrange(lower(valid_during), now())").await;
    assert_eq!(asked(None, 2_000).await, Reserved::PriceChanged);
}
