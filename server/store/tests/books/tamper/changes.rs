//! What somebody with every right may do to the books: change a cell, take, add or cut rows, go back in time.

use std::collections::HashSet;

use rand::RngExt;
use rand::rngs::StdRng;
use sqlx::PgPool;

use super::history::ALSO_KEPT;

pub const TABLES: [&str; 7] =
    ["ledger_entry", "ledger_tx", "wallet", "hold", "usage_call", "price", "audit_event"];

/// What nobody notices yet. A mend takes its line out of here.
pub const UNNOTICED: &[&str] = &[];

/// Each wallet as its newest entry that is left says.
const SET_WALLETS_BACK: &str = "update wallet w
    set posted = coalesce(newest.balance_after, 0), version = coalesce(newest.wallet_version, 0),
        chain_head = coalesce(newest.hash, ''),
        held = coalesce((
            select held from ledger.open_part o where o.account_id = w.account_id and o.fund = w.fund
        ), 0)
    from wallet v left join lateral (
        select * from ledger_entry e where e.account_id = v.account_id and e.fund = v.fund
        order by wallet_version desc limit 1
    ) as newest on true
    where v.account_id = w.account_id and v.fund = w.fund;";

/// One change, ready to be made.
#[derive(Debug)]
pub struct Change {
    pub sql: String,
    /// It is made of statements that do not say how many rows they changed.
    pub counts_no_rows: bool,
}

pub struct Kind {
    pub name: String,
    /// `ROW` stands for any row, `NUMBER` for any number but zero.
    template: String,
    counts_no_rows: bool,
}

impl Kind {
    fn of(name: String, template: impl Into<String>) -> Self {
        Self { name, template: template.into(), counts_no_rows: false }
    }

    fn by_hand(name: &str, template: impl Into<String>) -> Self {
        Self { name: name.to_owned(), template: template.into(), counts_no_rows: true }
    }

    pub fn change(&self, dice: &mut StdRng) -> Change {
        let number = dice.random_range(1..=100_i64) * if dice.random_bool(0.5) { 1 } else { -1 };
        let row = dice.random_range(0..1_000_u32).to_string();
        let sql = self.template.replace("ROW", &row).replace("NUMBER", &number.to_string());
        Change { sql, counts_no_rows: self.counts_no_rows }
    }
}

/// Every kind of change to every column, every kind of row, and to all of it together.
pub async fn kinds(root: &PgPool) -> Vec<Kind> {
    let mut kinds = Vec::new();
    for table in TABLES {
        let columns: Vec<(String, String)> = sqlx::query_as(
            "select column_name::text, udt_name::text from information_schema.columns
            where table_schema = 'public' and table_name = $1 order by ordinal_position",
        )
        .bind(table)
        .fetch_all(root)
        .await
        .unwrap();
        for (column, kind) in columns {
            let value = changed(table, &column, &kind);
            let set = format!("update {table} set {column} = {value} where ctid = {}", any_row(table));
            kinds.push(Kind::of(format!("{table}.{column}"), set));
        }
        kinds.push(Kind::of(
            format!("delete from {table}"),
            format!("delete from {table} where ctid = {}", any_row(table)),
        ));
        kinds.push(Kind::of(format!("insert into {table}"), doubled(table)));
    }
    kinds.extend(by_hand());
    for change in backwards(root).await {
        kinds.push(Kind::by_hand("go back to an older backup", change.sql));
    }
    let mut names = HashSet::new();
    kinds.retain(|kind| names.insert(kind.name.clone()));
    kinds
}

fn any_row(table: &str) -> String {
    // A wallet in which nothing ever happened holds nothing that could be changed; open calls change all the time.
    let rows = match table {
        "wallet" => "wallet where version > 0",
        "hold" => "hold where state <> 'open'",
        _ => table,
    };
    format!(
        "(select ctid from {rows} order by ctid offset ROW % (select greatest(count(*), 1) from {rows}) limit 1)"
    )
}

/// Another value of a column than the one that is there.
fn changed(table: &str, column: &str, kind: &str) -> String {
    let other_of = |values: [&str; 3]| {
        let [one, two, three] = values;
        format!("case {column} when '{one}' then '{two}' when '{two}' then '{three}' else '{one}' end")
    };
    match (table, column) {
        ("hold", "state") => other_of(["captured", "released", "open"]),
        ("usage_call", "usage_source") => other_of(["provider", "estimated", "none"]),
        (_, "fund") => other_of(["paid", "promo", "free"]),
        (_, "asset") => format!("case {column} when 'USD' then 'FREE_TOKEN' else 'USD' end"),
        _ => match kind {
            "int2" | "int4" | "int8" => format!("coalesce({column}, 0) + NUMBER"),
            "text" => format!("coalesce({column}, '') || 'x'"),
            "uuid" => "gen_random_uuid()".to_owned(),
            "timestamptz" => format!("coalesce({column}, now()) + NUMBER * interval '1 second'"),
            "bytea" => format!("sha256(coalesce({column}, ''))"),
            "jsonb" => format!("coalesce({column}, '{{}}') || '{{\"input\": 1}}'"),
            "bool" => format!("not {column}"),
            "tstzrange" => format!("tstzrange(lower({column}) - interval '1 hour', upper({column}))"),
            // A transaction that no block holds.
            "xid8" => "'9000000000000'::xid8".to_owned(),
            "_uuid" => format!("coalesce({column}, '{{}}') || gen_random_uuid()"),
            other => panic!("no change is known for a column of type {other}: {table}.{column}"),
        },
    }
}

/// A row once more, under a key of its own.
fn doubled(table: &str) -> String {
    let key = match table {
        "ledger_entry" => "'line', 99",
        "ledger_tx" => "'tx_id', gen_random_uuid(), 'idempotency_key', gen_random_uuid()",
        "wallet" => "'account_id', gen_random_uuid()",
        "hold" | "usage_call" => "'call_id', gen_random_uuid()",
        "price" => "'price_id', gen_random_uuid(), 'model_id', 'openai/another'",
        _ => "'audit_event_id', gen_random_uuid()",
    };
    format!(
        "insert into {table} select (jsonb_populate_record(t, jsonb_build_object({key}))).*
        from {table} t where ctid = {}",
        any_row(table)
    )
}

/// Changes of several rows at once that leave as much as possible in order.
fn by_hand() -> Vec<Kind> {
    let some_tx = "(select tx_id from ledger_tx where kind = 'usage' order by tx_id
        offset ROW % (select count(*) from ledger_tx where kind = 'usage') limit 1)";
    let cut_calls =
        "delete from usage_call where call_id in (select call_id from ledger_tx join cut using (tx_id));
        delete from hold where call_id in (select call_id from ledger_tx join cut using (tx_id));
        delete from ledger_tx where tx_id in (select tx_id from cut);
        delete from ledger_entry where tx_id in (select tx_id from cut);";
    vec![
        Kind::by_hand(
            "move money between accounts of the house",
            format!(
                "update ledger_entry set amount = amount + 1 where account like 'provider:%' and tx_id = {some_tx};
                update ledger_entry set amount = amount - 1 where account = 'platform:commission' and tx_id = {some_tx}"
            ),
        ),
        Kind::by_hand(
            "give a wallet money and another account the debt",
            "update ledger_entry set amount = amount + 9, balance_after = balance_after + 9
            where account_id is not null and fund = 'paid' and wallet_version = 1;
            update ledger_entry set amount = amount - 9 where account = 'cash:test' and tx_id = (
                select tx_id from ledger_entry where account_id is not null and fund = 'paid' and wallet_version = 1
            );
            update wallet set posted = posted + 9 where fund = 'paid' and version > 0",
        ),
        Kind::by_hand("rewrite a whole chain with sound hashes", REWRITTEN_CHAIN),
        Kind::by_hand(
            "charge a call more, everywhere but in its entries",
            "update usage_call set provider_cost = provider_cost + 7, commission = commission + 3, charge = charge + 10
            where charge = 100",
        ),
        Kind::by_hand(
            "cut the tail of a wallet's chain",
            format!(
                "create temp table cut on commit drop as
                    select tx_id from ledger_entry where account_id is not null and fund = 'paid'
                    order by wallet_version desc limit 1 + ROW % 4;
                {cut_calls} {SET_WALLETS_BACK}"
            ),
        ),
        Kind::by_hand(
            "cut everything since a seal",
            format!(
                "create temp table cut on commit drop as
                    select distinct tx_id from ledger_entry
                    where xid >= (select from_xid from ledger_block order by block_no desc limit 1);
                delete from audit_event where xid >= (select from_xid from ledger_block order by block_no desc limit 1);
                {cut_calls} {SET_WALLETS_BACK}
                delete from ledger_block where block_no = (select max(block_no) from ledger_block)"
            ),
        ),
        Kind::by_hand("hold more for an open call", "update hold set amount = amount + 50 where state = 'open'"),
        Kind::by_hand("hold less in a wallet", "update wallet set held = 0 where held > 0"),
        Kind::by_hand("take a sealed block away", "delete from ledger_block where block_no = 1"),
    ]
}

/// A wallet with a richer history, each link of which follows from the one before.
const REWRITTEN_CHAIN: &str = "do $$
declare
    one ledger_entry;
    balance bigint := 0;
    head bytea := '';
begin
    for one in
        select * from ledger_entry where fund = 'paid' and account_id is not null
        and account_id = (select account_id from wallet where fund = 'paid' order by version desc limit 1)
        order by wallet_version
    loop
        if one.wallet_version = 1 then
            one.amount := one.amount + 1000;
            update ledger_entry set amount = amount - 1000 where tx_id = one.tx_id and account_id is null;
        end if;
        balance := balance + one.amount;
        head := ledger.link(head, one.tx_id, one.line, one.account_id, one.fund, one.asset, one.amount,
            one.wallet_version, balance);
        update ledger_entry set amount = one.amount, balance_after = balance, hash = head
        where tx_id = one.tx_id and line = one.line;
    end loop;
    update wallet set posted = balance, chain_head = head
    where fund = 'paid' and (account_id, fund) = (one.account_id, one.fund);
end $$";

/// The books as they were once: nothing in them is wrong.
pub async fn backwards(root: &PgPool) -> Vec<Change> {
    let exists: bool =
        sqlx::query_scalar("select to_regclass('backup.wallet') is not null").fetch_one(root).await.unwrap();
    assert!(exists, "there is no backup to go back to");
    let mut sql = String::new();
    for table in TABLES.iter().chain(&ALSO_KEPT) {
        sql.push_str(&format!("delete from {table}; insert into {table} select * from backup.{table};"));
    }
    vec![Change { sql, counts_no_rows: true }]
}
