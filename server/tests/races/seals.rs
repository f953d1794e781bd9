//! Goal M9 as operators see it: `mercato ledger verify` tells an older backup from the books by the file of seals, which
//! lies outside the database.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::support::{Buyer, Ended, Fleet, Order, Pace, Seen};

const CALLS: usize = 6;
/// Everything that would have to be put back for the books to look whole.
const KEPT: [&str; 11] = [
    "wallet",
    "hold",
    "ledger_tx",
    "ledger_entry",
    "usage_call",
    "api_key",
    "top_up",
    "payment_event",
    "audit_event",
    "ledger_block",
    "wallet_seen",
];
const NOTED_MAX: Duration = Duration::from_secs(30);
const SEAL_FILE: &str = "book-seals.jsonl";

async fn call(fleet: &Fleet, buyer: &Buyer) -> Vec<Seen> {
    let order = Order::of("openai/gpt-5-mini", "Name three harbours.", "instant");
    let asked = (0..CALLS).map(|at| {
        let at = at % fleet.servers.len();
        order.ask(&fleet.client, (at, &fleet.servers[at].base), &buyer.key)
    });
    let seen = futures_util::future::join_all(asked).await;
    assert!(seen.iter().all(|call| call.ended == Ended::Whole), "{seen:#?}");
    // What was set aside for more of them is put back before a server is killed.
    fleet.until_nothing_is_held(NOTED_MAX).await;
    seen
}

/// Seals everything; a server that starts notes the new blocks in its file.
async fn seal(fleet: &Fleet) -> usize {
    let unsealed = "select count(*) from ledger_entry where xid >= coalesce((select max(upto_xid) from ledger_block), '0')";
    while fleet.count(unsealed).await > 0 {
        sqlx::query("select ledger.seal_block()").execute(&fleet.db).await.unwrap();
    }
    fleet.servers[0].kill();
    fleet.servers[0].start(&fleet.client).await;
    let blocks = fleet.count("select max(block_no) from ledger_block").await;
    let (file, begun): (PathBuf, Instant) = (fleet.folder.join(SEAL_FILE), Instant::now());
    loop {
        let seals = std::fs::read_to_string(&file).unwrap_or_default();
        if seals.lines().any(|seal| seal.contains(&format!("\"block\":{blocks},"))) {
            return seals.lines().count();
        }
        assert!(begun.elapsed() < NOTED_MAX, "block {blocks} is not in {}:\n{seals}", file.display());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// By force: no trigger and no foreign key is asked.
async fn force(fleet: &Fleet, sql: String) {
    let sql = format!("begin; set local session_replication_role = replica; {sql} commit");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&fleet.db).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_backup_in_the_place_of_the_books_is_found_by_the_seals() {
    let fleet = Fleet::open(Pace::Instant).await;
    let buyer = fleet.buyer(0).await;
    buyer.pay_in("5.00").await;
    let mut seen = call(&fleet, &buyer).await;
    seal(&fleet).await;
    let copies = KEPT.map(|table| format!("create table backup.{table} as select * from {table};"));
    force(&fleet, format!("create schema backup; {}", copies.join(" "))).await;
    seen.extend(call(&fleet, &buyer).await);
    let seals = seal(&fleet).await;
    fleet.judge(&seen).await;
    let (is_whole, words) = fleet.servers[0].verify_books();
    assert!(is_whole, "{words}");
    let back =
        KEPT.map(|table| format!("delete from {table}; insert into {table} select * from backup.{table};"));
    force(&fleet, back.join(" ")).await;
    let broken: Vec<String> = sqlx::query_scalar(
        "select invariant from ledger.violation
            union all select 'block' from ledger.broken_block",
    )
    .fetch_all(&fleet.db)
    .await
    .unwrap();
    assert_eq!(broken, Vec::<String>::new(), "the backup itself is not whole");
    let (is_whole, words) = fleet.servers[0].verify_books();
    assert!(!is_whole && words.contains("was sealed and is no longer in the books"), "{words}");
    eprintln!("an older backup in the place of the books was found by one of {seals} seals");
}
