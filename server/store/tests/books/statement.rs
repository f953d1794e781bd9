//! Statements written from real books, and from books that somebody changed by force.

use chrono::{TimeDelta, Utc};
use ed25519_dalek::{Signer, SigningKey};
use marketplace::account::Email;
use marketplace::id::CallId;
use marketplace::money::{Nanos, Rate};
use marketplace::price::{Charge, Rates, TakeRate};
use marketplace::statement::{Broken, Month, Statement, Totals, Verified, signed_message, verify, write};
use marketplace::usage::{Tokens, UsageSource};
use sqlx::{AssertSqlSafe, PgPool};
use store::account::update_verified;
use store::correction::give_promo;
use store::ledger::{Capture, Reservation, capture, release};
use store::statement::{get_months, get_statement};
use uuid::Uuid;

use crate::support::{Books, pay_in, person};

const RATES: Rates = Rates {
    input: Rate(250_000_000),
    output: Rate(2_000_000_000),
    cached_input: None,
    cache_write: None,
    cache_write_1h: None,
    reasoning: None,
};
/// Costs its provider 596,250 and its buyer 851,786 nano-dollars.
const ANSWER: Tokens =
    Tokens { input: 9, cached_input: 0, cache_write: 0, cache_write_1h: 0, output: 297, reasoning: 0 };
const GIFT: i64 = 500_000;

impl Books {
    async fn close(&self, call: CallId, tokens: Tokens, charge: Charge) {
        let used = Capture {
            call,
            tokens,
            source: UsageSource::Provider,
            charge,
            finish: "stop".to_owned(),
            taken: None,
        };
        assert!(capture(&self.db, &used).await.unwrap().applied);
    }

    /// Holds so much for an answer and has it.
    async fn answer(&self, hold: i64) -> CallId {
        let call = self.hold(hold).await;
        self.close(call, ANSWER, RATES.charge(&ANSWER, TakeRate::STANDARD)).await;
        call
    }

    async fn give(&self) {
        let (id, at) = (Uuid::now_v7(), Utc::now() + TimeDelta::days(9));
        assert!(give_promo(&self.db, id, self.account, Nanos(GIFT), at, ("welcome", "test")).await.unwrap());
    }

    /// A month in which everything happened that can.
    async fn lively(root: PgPool) -> Self {
        let market = Self::with(root, 10_000_000).await;
        market.give().await;
        market.answer(900_000).await;
        market.answer(900_000).await;
        market.answer(600_000).await;
        let failed = market.hold(400_000).await;
        release(&market.db, failed, "error: timeout").await.unwrap();
        update_verified(&market.db, market.account, &Email::parse("ada@example.org").unwrap()).await.unwrap();
        let wanting = Reservation { free_tokens: Some((400, 100)), ..market.reservation(900_000, 900_000) };
        let (free, _) = market.reserve(wanting).await;
        let due = RATES.charge(&ANSWER, TakeRate::STANDARD);
        market.close(free, ANSWER, Charge { commission: Nanos::ZERO, charge: Nanos::ZERO, ..due }).await;
        market.assert_balanced().await;
        market
    }

    async fn statement(&self, month: Month) -> Statement {
        get_statement(&self.db, self.account, month).await.unwrap()
    }

    async fn proven(&self, month: Month) -> Result<Verified, Broken> {
        verify(&signed(&self.statement(month).await), None)
    }
}

fn signed(statement: &Statement) -> String {
    let key = SigningKey::from_bytes(&[5; 32]);
    let text = serde_json::to_string(statement).unwrap();
    write(&text, key.verifying_key().as_bytes(), &key.sign(&signed_message(&text)).to_bytes())
}

fn now() -> Month {
    Month::of(Utc::now())
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_lively_month_proves_itself(root: PgPool) {
    let market = Books::lively(root).await;
    let Verified { statement, .. } = market.proven(now()).await.unwrap();
    assert!(!statement.complete);
    assert_eq!((statement.calls.len(), statement.totals.calls), (5, 5));
    assert_eq!(statement.totals.closing_nanos.0, market.available().await);
    assert_eq!(statement.totals.received_nanos, Nanos(10_000_000 + GIFT));
    assert_eq!(statement.totals.spent_nanos, Nanos(2 * 851_786 + 600_000));
    assert_eq!(statement.totals.overrun_nanos, Nanos(251_786));
    assert_eq!(statement.totals.free_tokens, 306);
    let entries: Vec<usize> = statement.wallets.iter().map(|wallet| wallet.entries.len()).collect();
    assert_eq!(entries, [4, 2, 2], "one answer was paid by both funds");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_month_with_nothing_in_it_proves_itself(root: PgPool) {
    let market = Books::lively(root).await;
    let Verified { statement, .. } = market.proven(now().previous()).await.unwrap();
    assert!(statement.complete || Utc::now() < now().begins() + TimeDelta::minutes(1));
    assert_eq!((statement.calls.len(), statement.totals), (0, Totals::default()));
}

#[sqlx::test(migrations = "../../migrations")]
async fn nobody_sees_the_statement_of_another(root: PgPool) {
    let market = Books::lively(root).await;
    let bob = person(&market.db, "bob@example.org").await;
    pay_in(&market.db, bob, 70).await;
    let statement = get_statement(&market.db, bob, now()).await.unwrap();
    assert_eq!((statement.calls.len(), statement.totals.closing_nanos), (0, Nanos(70)));
    verify(&signed(&statement), None).unwrap();
    assert_eq!(get_months(&market.db, bob).await.unwrap(), (now(), now()));
}

/// Dates what has these versions of a fund, and everything of the same transactions, beside the last turn of a month.
const MOVE: &str = "
    create function pg_temp.move(p_fund text, p_from bigint, p_upto bigint, p_by interval) returns void
    language plpgsql as $$
    declare
        turn timestamptz := date_trunc('month', now() at time zone 'utc') at time zone 'utc' + p_by;
        moved uuid[] := array(
            select tx_id from ledger_entry where fund = p_fund and wallet_version between p_from and p_upto
        );
    begin
        update ledger_entry set created_at = turn where tx_id = any (moved);
        update ledger_tx set created_at = turn where tx_id = any (moved);
        update usage_call set settled_at = turn
        where call_id in (select call_id from ledger_tx where tx_id = any (moved) and kind = 'usage');
    end $$;";

async fn by_force(market: &Books, statements: &str) {
    let mut tampering = market.root.begin().await.unwrap();
    let whole = format!("set local session_replication_role = replica; {statements}");
    sqlx::raw_sql(AssertSqlSafe(whole)).execute(&mut *tampering).await.unwrap();
    tampering.commit().await.unwrap();
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_month_ends_where_the_next_begins(root: PgPool) {
    let market = Books::lively(root).await;
    let moves = "select pg_temp.move('paid', 1, 2, '-1 hour'); select pg_temp.move('promo', 1, 1, '-1 hour')";
    by_force(&market, &format!("{MOVE} {moves}")).await;
    let before = market.proven(now().previous()).await.unwrap().statement;
    let after = market.proven(now()).await.unwrap().statement;
    assert_eq!(before.totals.opening_nanos, Nanos::ZERO);
    assert_eq!(before.wallets[0].closing.version, 2);
    assert_eq!((before.calls.len(), after.calls.len()), (1, 4));
    for (ended, begun) in before.wallets.iter().zip(&after.wallets) {
        assert_eq!(ended.closing, begun.opening);
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_transaction_is_not_torn_apart_where_dates_and_numbers_disagree(root: PgPool) {
    let market = Books::with(root, 10_000_000).await;
    market.give().await;
    // Paid by both funds, then paid by one: the first came a second after midnight, the second began before it.
    market.answer(900_000).await;
    market.answer(900_000).await;
    let moves = "select pg_temp.move('paid', 1, 1, '-1 hour'); select pg_temp.move('promo', 1, 1, '-1 hour');
        select pg_temp.move('paid', 2, 2, '1 second'); select pg_temp.move('paid', 3, 3, '-1 second')";
    by_force(&market, &format!("{MOVE} {moves}")).await;
    let before = market.proven(now().previous()).await.unwrap().statement;
    let after = market.proven(now()).await.unwrap().statement;
    let closing: Vec<i64> = before.wallets.iter().map(|wallet| wallet.closing.version).collect();
    assert_eq!((closing, before.calls.len(), after.calls.len()), (vec![3, 2, 0], 2, 0));
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_change_by_force_is_found_and_named(root: PgPool) {
    let market = Books::lively(root).await;
    let changes = [
        (
            "update ledger_entry set amount = amount + 1 where fund = 'paid' and wallet_version = 2",
            "update ledger_entry set amount = amount - 1 where fund = 'paid' and wallet_version = 2",
            "entry 2 of the paid wallet: the balance after it",
        ),
        (
            "update ledger_entry set amount = amount + 5, balance_after = balance_after + 5 where fund = 'promo' and wallet_version = 2",
            "update ledger_entry set amount = amount - 5, balance_after = balance_after - 5 where fund = 'promo' and wallet_version = 2",
            "entry 2 of the promo wallet: its hash",
        ),
        (
            "update ledger_entry set fund = 'gone' where fund = 'paid' and wallet_version = 3",
            "update ledger_entry set fund = 'paid' where fund = 'gone' and wallet_version = 3",
            "entry 4 of the paid wallet: its version should be 3",
        ),
        (
            "update wallet set posted = posted + 7 where fund = 'paid'",
            "update wallet set posted = posted - 7 where fund = 'paid'",
            "the closing of the paid wallet: its balance",
        ),
        (
            "update usage_call set output = output + 1 where finish = 'stop' and free_tokens = 0",
            "update usage_call set output = output - 1 where finish = 'stop' and free_tokens = 0",
            "the provider's cost",
        ),
        (
            "update price set terms = terms || '{\"output\": 1}'",
            "update price set terms = terms || '{\"output\": 2000000000}'",
            "the provider's cost",
        ),
        (
            "update usage_call set overrun = 0 where overrun > 0",
            "update usage_call set overrun = 251786 where charge = 851786 and call_id = (select call_id from hold where amount = 600000)",
            "what the wallets paid for it",
        ),
        (
            "update usage_call set free_tokens = 305 where free_tokens = 306",
            "update usage_call set free_tokens = 306 where free_tokens = 305",
            "the free tokens taken for it",
        ),
    ];
    for (change, undo, named) in changes {
        by_force(&market, change).await;
        let broken = market.proven(now()).await.expect_err(change).to_string();
        assert!(broken.contains(named), "{change}: {broken}");
        by_force(&market, undo).await;
        market.proven(now()).await.expect(undo);
    }
}
