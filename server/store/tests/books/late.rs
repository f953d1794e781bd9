//! What commits late: a transaction may write before others and be seen only after them.

use sqlx::{PgPool, Postgres, Transaction};
use store::books::{check_recent, list_broken_blocks, seal_block};

use crate::support::Books;

impl Books {
    /// Writes a gift of so many nano-dollars from the house to itself, to be committed later.
    async fn write_late(&self, lines: &'static [(i16, i64)]) -> Transaction<'static, Postgres> {
        let mut late = self.root.begin().await.unwrap();
        let tx = "insert into ledger_tx (kind, idempotency_key, actor) values ('adjustment', 'late', 'test')
            returning tx_id";
        let tx: uuid::Uuid = sqlx::query_scalar(tx).fetch_one(&mut *late).await.unwrap();
        for (line, amount) in lines {
            let entry = "insert into ledger_entry (tx_id, line, account, asset, amount)
                values ($1, $2, 'platform:adjustment', 'USD', $3)";
            sqlx::query(entry).bind(tx).bind(line).bind(amount).execute(&mut *late).await.unwrap();
        }
        late
    }

    async fn make_a_call(&self) {
        let call = self.hold(100).await;
        self.capture(call, 70, 30).await;
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_entry_that_commits_late_is_checked_all_the_same(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let late = market.write_late(&[(1, 5)]).await;
    market.make_a_call().await;
    assert_eq!(check_recent(&market.db).await.unwrap(), Some(Vec::new()));
    late.commit().await.unwrap();
    let broken = market.checked().await;
    assert!(broken.iter().any(|line| line.starts_with("I2 ")), "nobody read it: {broken:?}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_entry_that_commits_late_breaks_no_seal_and_gets_its_own(root: PgPool) {
    let market = Books::with(root, 1_000).await;
    let late = market.write_late(&[(1, 5), (2, -5)]).await;
    market.make_a_call().await;
    seal_block(&market.db).await.unwrap();
    late.commit().await.unwrap();
    market.make_a_call().await;
    let unsealed = "select count(*) from ledger_entry where xid >= (select coalesce(max(upto_xid), '0') from ledger_block)";
    // Transactions of other databases on this server may hold a seal back for a moment.
    while sqlx::query_scalar::<_, i64>(unsealed).fetch_one(&market.root).await.unwrap() > 0 {
        seal_block(&market.db).await.unwrap();
    }
    assert_eq!(list_broken_blocks(&market.db).await.unwrap(), Vec::<i64>::new());
    let count = "select (select sum(entries) from ledger_block)::bigint
        - (select count(*) from ledger_entry) - (select count(*) from ledger_tx) - (select count(*) from audit_event)
        - (select count(*) from usage_call) - (select count(*) from hold where state <> 'open')
        - (select count(*) from price)";
    let more: i64 = sqlx::query_scalar(count).fetch_one(&market.root).await.unwrap();
    assert_eq!(more, 0, "not everything is in exactly one block");
}
