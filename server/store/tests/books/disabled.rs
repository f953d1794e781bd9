//! A key that is disabled opens nothing and holds nothing, and is as it was when it is enabled again.

use futures_util::future::join_all;
use marketplace::id::KeyId;
use marketplace::money::Nanos;
use marketplace::rate::Owner;
use sqlx::PgPool;
use store::Error;
use store::api_key::{
    Hand, KeyTerms, Secret, find_key, insert_key, update_revoked, update_secret, update_terms,
};
use store::known_key::{Unusable, Wanted, find_known, list_changes};
use store::ledger::{Reservation, Reserved, reserve};

use crate::support::{Books, without_limits};

const DIGEST: [u8; 32] = [7; 32];

async fn key(market: &Books, disabled: Option<bool>) -> KeyId {
    let terms = KeyTerms { disabled, ..without_limits("notebook") };
    let secret = Secret { prefix: "mk_", digest: &DIGEST };
    insert_key(&market.db, market.account, secret, &terms).await.unwrap().id
}

async fn switch(market: &Books, key: KeyId, disabled: Option<bool>) {
    let terms = KeyTerms { disabled, ..without_limits("notebook") };
    update_terms(&market.db, market.account, key, Hand::Person, &terms).await.unwrap();
}

async fn is_disabled(market: &Books, key: KeyId) -> bool {
    find_key(&market.db, market.account, key).await.unwrap().unwrap().disabled
}

#[sqlx::test(migrations = "../../migrations")]
async fn its_secret_opens_nothing_and_takes_nothing_of_the_minute(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let key = key(&market, None).await;
    let look = async || {
        let wanted = Wanted { factor: Some(1), address: Some(("203.0.113.7", 100)) };
        let (known, slices) = find_known(&market.db, &DIGEST, wanted).await.unwrap();
        (known.map(|owned| owned.key.id), slices.iter().map(|slice| slice.owner).collect::<Vec<_>>())
    };
    assert_eq!(look().await, (Ok(key), vec![Owner::Plan, Owner::Address]));
    market.tamper("update api_key set last_used_at = null").await;
    switch(&market, key, Some(true)).await;
    assert_eq!(look().await, (Err(Unusable::Disabled(key)), vec![Owner::Address]));
    let (known, slices) = find_known(&market.db, &DIGEST, Wanted::default()).await.unwrap();
    assert_eq!((known, slices.len()), (Err(Unusable::Disabled(key)), 0));
    let there = find_key(&market.db, market.account, key).await.unwrap().unwrap();
    assert_eq!(there.last_used_at, None, "a refusal is no use");
    switch(&market, key, Some(false)).await;
    assert_eq!(look().await, (Ok(key), vec![Owner::Plan, Owner::Address]));
    // What is over for good is not told from what never was.
    switch(&market, key, Some(true)).await;
    update_revoked(&market.db, market.account, key, Hand::Person).await.unwrap();
    assert_eq!(look().await, (Err(Unusable::Unknown), vec![Owner::Address]));
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_server_is_told_of_both_turns(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let key = key(&market, None).await;
    for disabled in [true, false] {
        let (seen, _) = list_changes(&market.db, None).await.unwrap();
        switch(&market, key, Some(disabled)).await;
        let (_, changes) = list_changes(&market.db, Some(seen)).await.unwrap();
        assert!(changes.iter().any(|change| change.account == market.account), "{disabled}: {changes:?}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn no_money_is_set_aside_for_it_alone_or_among_others(root: PgPool) {
    let market = Books::with(root, 10_000).await;
    let key = key(&market, None).await;
    let asking = |key| Reservation { key, ..market.reservation(1_000, 1_000) };
    let (before, reserved) = market.reserve(asking(Some(key))).await;
    assert!(matches!(reserved, Reserved::Held { .. }), "{reserved:?}");
    switch(&market, key, Some(true)).await;
    assert_eq!(market.reserve(asking(Some(key))).await.1, Reserved::KeyDisabled);
    let group = [asking(None), asking(Some(key)), asking(None)];
    let answers = join_all(group.iter().map(|wanted| reserve(&market.db, wanted))).await;
    let is_held = |at: usize| matches!(answers[at], Ok(Reserved::Held { .. }));
    assert!(is_held(0) && is_held(2), "{answers:?}");
    assert!(matches!(answers[1], Ok(Reserved::KeyDisabled)), "{answers:?}");
    // What had begun is finished and paid.
    assert!(market.capture(before, 70, 30).await.applied);
    switch(&market, key, Some(false)).await;
    let (_, reserved) = market.reserve(asking(Some(key))).await;
    assert!(matches!(reserved, Reserved::Held { .. }), "{reserved:?}");
    let spent = find_key(&market.db, market.account, key).await.unwrap().unwrap().spent_nanos;
    assert_eq!(spent, Nanos(100), "what it has spent was forgotten");
    market.assert_balanced().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_changes_something_else_leaves_it_as_it_is(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let key = key(&market, Some(true)).await;
    assert!(is_disabled(&market, key).await, "a key was made disabled");
    switch(&market, key, None).await;
    let another = Secret { prefix: "mk_", digest: &[8; 32] };
    update_secret(&market.db, market.account, key, Hand::Person, another, 60).await.unwrap();
    assert!(is_disabled(&market, key).await);
    for digest in [DIGEST, [8; 32]] {
        let (known, _) = find_known(&market.db, &digest, Wanted::default()).await.unwrap();
        assert_eq!(known.unwrap_err(), Unusable::Disabled(key));
    }
    switch(&market, key, Some(false)).await;
    switch(&market, key, None).await;
    assert!(!is_disabled(&market, key).await);
    update_revoked(&market.db, market.account, key, Hand::Person).await.unwrap();
    assert!(is_disabled(&market, key).await, "what is revoked is refused too");
    let terms = KeyTerms { disabled: Some(false), ..without_limits("notebook") };
    let back = update_terms(&market.db, market.account, key, Hand::Person, &terms).await;
    assert!(matches!(back, Err(Error::NotFound)), "{back:?}");
}
