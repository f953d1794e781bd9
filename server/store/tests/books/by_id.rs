//! One call, and one key, is found by itself: never by reading all that are open, or all that the account has.

use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use store::ledger::capture_many;

use crate::support::{Books, used};

#[sqlx::test(migrations = "../../migrations")]
async fn a_call_is_found_without_reading_all_that_are_open(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let (account, price) = (market.account.0, market.price.0);
    let mut one = market.root.acquire().await.unwrap();
    let key = format!(
        "insert into api_key (api_key_id, account_id, name, prefix, digest, scopes)
        values ('{account}', '{account}', 'a', 'mk_live_a', sha256('a'), array['chat'])"
    );
    sqlx::query(AssertSqlSafe(key)).execute(&mut *one).await.unwrap();
    market.tamper(HISTORY).await;
    let calls = [market.hold(10).await, market.hold(10).await, market.hold(10).await].map(|call| call.0);
    // What the planner sees of a market where few calls are open at a time.
    sqlx::raw_sql("analyze hold; analyze api_key").execute(&mut *one).await.unwrap();
    let before = scans(&mut one).await;
    for step in [
        format!(
            "ledger.reserve(gen_random_uuid(), '{account}', '{account}', null, null, null, 'openai/gpt-5-mini', 'openai',
                '{price}', 3000, 10, 10, null, null, gen_random_uuid(), 60)"
        ),
        format!("ledger.capture('{}', 1, 0, 0, 0, 1, 0, 'provider', 7, 3, 'stop')", calls[0]),
        format!(
            "ledger.capture_many(array['{}', '{}']::uuid[], array_fill(1::bigint, array[12]),
                array['provider', 'provider'], array[7, 7], array[3, 3], array['stop', 'stop'])",
            calls[0], calls[1]
        ),
        format!("ledger.checkpoint(gen_random_uuid(), 60, array['{}'::uuid], array[1], array[1], array[1], array[1])", calls[2]),
    ] {
        sqlx::query(AssertSqlSafe(format!("select {step}"))).execute(&mut *one).await.unwrap();
    }
    assert_eq!(scans(&mut one).await, before);
}

/// The server's own connections may not read what is left by bitmap either.
#[sqlx::test(migrations = "../../migrations")]
async fn a_group_is_closed_without_reading_all_that_have_closed(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    market.tamper(HISTORY).await;
    market.tamper("analyze hold").await;
    let calls = [market.hold(10).await, market.hold(10).await];
    let group = calls.map(|call| used(call, 7, 3, 1));
    assert_eq!(capture_many(&market.db, &group).await.unwrap().len(), 2);
    let mut one = market.root.acquire().await.unwrap();
    // What a connection read is told at the latest when it ends.
    let end = "select pg_terminate_backend(pid, 10000) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'";
    sqlx::query(end).execute(&mut *one).await.unwrap();
    let read: i64 = sqlx::query_scalar(
        "select sum(idx_scan)::bigint from pg_stat_user_indexes
        where indexrelname in ('hold_open_by_account', 'hold_by_closing')",
    )
    .fetch_one(&mut *one)
    .await
    .unwrap();
    assert_eq!(read, 0);
}

/// Many calls that have ended.
const HISTORY: &str = "
    insert into hold (call_id, account_id, model_id, provider, price_id, take_bps, amount, instance_id, lease_until,
        state, closed_at)
    select gen_random_uuid(), account_id, 'openai/gpt-5-mini', 'openai', price_id, 3000, 10, gen_random_uuid(), now(),
        'released', now()
    from account, price, generate_series(1, 5000)";

/// How often the indexes were read that grow with everything that is open, or that the account has.
async fn scans(one: &mut PgConnection) -> Vec<(String, i64)> {
    sqlx::query("select pg_stat_force_next_flush()").execute(&mut *one).await.unwrap();
    sqlx::query_as(
        "select indexrelname::text, idx_scan from pg_stat_user_indexes
        where indexrelname in ('hold_open_by_account', 'api_key_by_account') order by 1",
    )
    .fetch_all(one)
    .await
    .unwrap()
}
