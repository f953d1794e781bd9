//! Checks that run all the time, and seals that notice what was changed by force.

use chrono::Utc;
use marketplace::billing::TopUpState;
use marketplace::money::Nanos;
use sqlx::PgPool;
use store::books::{Violation, list_broken_blocks, note_whole_check, seal_block};
use store::ledger::Reserved;
use store::top_up::{Recorded, insert_top_up, record_payment};

use crate::support::Books;

impl Books {
    /// Seals until every entry is in a block.
    pub async fn seal_everything(&self) {
        let unsealed = "select count(*) from ledger_entry where xid >= coalesce((select max(upto_xid) from ledger_block), '0')";
        // Transactions of other databases on this server may hold a seal back for a moment.
        while sqlx::query_scalar::<_, i64>(unsealed).fetch_one(&self.root).await.unwrap() > 0 {
            seal_block(&self.db).await.unwrap();
        }
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_broken_book_stops_paid_calls_until_a_whole_check_finds_nothing(root: PgPool) {
    let market = Books::with(root, 1_000).await;
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
    let market = Books::with(root, 1_000_000).await;
    for _ in 0..20 {
        let call = market.hold(100).await;
        market.capture(call, 70, 30).await;
    }
    market.seal_everything().await;
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

/// Each insert trusts the functions to name what is there; the whole check does not.
#[sqlx::test(migrations = "../../migrations")]
async fn a_row_that_names_what_is_not_there_is_found(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let (call, open) = (market.hold(100).await, market.hold(100).await);
    market.capture(call, 70, 30).await;
    market.tamper("alter table price disable trigger all; delete from price").await;
    market
        .tamper("alter table ledger_tx disable trigger all; delete from ledger_tx where kind = 'usage'")
        .await;
    market.tamper("delete from hold where state <> 'open'").await;
    let found = market.violations().await;
    for (invariant, detail, subject) in [
        ("I10", "a call without its price", call),
        ("I10", "a hold without its price", open),
        ("I2", "an entry without its transaction", call),
        ("I7", "a call without a hold of its account", call),
    ] {
        let is_it = |broken: &Violation| {
            broken.invariant == invariant
                && broken.detail == detail
                && broken.subject == subject.0.to_string()
        };
        assert!(found.iter().any(is_it), "{detail} is not among {found:?}");
    }
}
