//! Answers kept for those who ask the same again: whose they are, how long they last and how many there may be.

use marketplace::id::{AccountId, CallId};
use sqlx::PgPool;
use store::Db;
use store::idempotency::delete_expired;
use store::response_cache::{NewCached, Room, delete_cached, find_cached, insert_cached};
use uuid::Uuid;

use crate::support::person;

const ROOM: Room = Room { bytes: 1_000, answers: 5 };

async fn open(root: &PgPool) -> Db {
    Db::open(root.connect_options().as_ref().clone(), 4).await.unwrap()
}

fn hash(of: u8) -> [u8; 32] {
    [of; 32]
}

async fn keep(db: &Db, account: AccountId, of: u8, body: &[u8], ttl_seconds: u32) -> CallId {
    let call = CallId(Uuid::now_v7());
    let request_hash = &hash(of);
    let content_type = "application/json";
    let new = NewCached {
        account,
        api_key: None,
        request_hash,
        call,
        content_type,
        sealed_body: body,
        ttl_seconds,
    };
    insert_cached(db, &new, ROOM).await.unwrap();
    call
}

/// The bodies that are kept for an account, by the first byte of what they are kept for.
async fn kept(db: &Db, account: AccountId) -> Vec<u8> {
    let mut found = Vec::new();
    for of in 0..20 {
        if find_cached(db, account, &hash(of)).await.unwrap().is_some() {
            found.push(of);
        }
    }
    found
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_answer_is_its_accounts_alone_and_the_newest_replaces_it(root: PgPool) {
    let db = open(&root).await;
    let (ada, bob) = (person(&db, "ada@example.org").await, person(&db, "bob@example.org").await);
    keep(&db, ada, 1, b"first", 60).await;
    let call = keep(&db, ada, 1, b"second", 900).await;
    keep(&db, bob, 2, b"his", 60).await;
    let found = find_cached(&db, ada, &hash(1)).await.unwrap().unwrap();
    assert_eq!((found.call, found.sealed_body.as_slice()), (call, &b"second"[..]));
    assert_eq!(found.content_type, "application/json");
    assert!(found.age_seconds < 600 && (300..=900).contains(&found.left_seconds), "{found:?}");
    assert_eq!((kept(&db, ada).await, kept(&db, bob).await), (vec![1], vec![2]));
    delete_cached(&db, bob, &hash(1)).await.unwrap();
    assert_eq!(kept(&db, ada).await, [1]);
    delete_cached(&db, ada, &hash(1)).await.unwrap();
    assert_eq!((kept(&db, ada).await, kept(&db, bob).await), (vec![], vec![2]));
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_over_is_not_found_and_is_swept_away(root: PgPool) {
    let db = open(&root).await;
    let ada = person(&db, "ada@example.org").await;
    keep(&db, ada, 1, b"short", 1).await;
    keep(&db, ada, 2, b"long", 86_400).await;
    let age = "update idempotency set expires_at = expires_at - interval '1 hour'";
    sqlx::query(age).execute(&root).await.unwrap();
    assert_eq!(kept(&db, ada).await, [2]);
    assert_eq!(delete_expired(&db).await.unwrap(), 1);
    let rows: i64 = sqlx::query_scalar("select count(*) from idempotency").fetch_one(&root).await.unwrap();
    assert_eq!(rows, 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_sweep_leaves_nothing_that_is_over(root: PgPool) {
    let db = open(&root).await;
    let ada = person(&db, "ada@example.org").await;
    keep(&db, ada, 1, b"one of many", 60).await;
    sqlx::query(
        "insert into idempotency (call_id, attempt_id, account_id, route, key, request_hash, lease_until, expires_at)
        select gen_random_uuid(), gen_random_uuid(), account_id, 'keys', n::text, request_hash, now(), now()
        from idempotency, generate_series(1, 2500) n",
    )
    .execute(&root)
    .await
    .unwrap();
    assert_eq!(delete_expired(&db).await.unwrap(), 2_500);
    assert_eq!(kept(&db, ada).await, [1]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_oldest_make_room_and_nobody_elses(root: PgPool) {
    let db = open(&root).await;
    let (ada, bob) = (person(&db, "ada@example.org").await, person(&db, "bob@example.org").await);
    keep(&db, bob, 9, &[0; 900], 60).await;
    for of in 0..7 {
        keep(&db, ada, of, &[0; 10], 60).await;
    }
    assert_eq!(kept(&db, ada).await, [2, 3, 4, 5, 6], "five answers are all there may be");
    // Keeping it anew makes it the newest.
    keep(&db, ada, 2, &[0; 10], 60).await;
    keep(&db, ada, 7, &[0; 975], 60).await;
    assert_eq!(kept(&db, ada).await, [2, 6, 7], "a thousand bytes are all there may be");
    assert_eq!(kept(&db, bob).await, [9]);
}
