//! Goal M12: at the turn of every month many calls at once share the same thousand free tokens, and not one more.

use marketplace::account::Email;
use marketplace::id::CallId;
use rand::RngExt;
use sqlx::{AssertSqlSafe, PgPool};
use store::account::update_verified;
use store::ledger::{Capture, Reservation, Reserved, capture_many};

use crate::support::{Books, dice, used};

const MONTHS: i64 = 24;
const AT_ONCE: usize = 50;
const ALLOWANCE: u64 = 1_000;
/// Every so many months some calls are still open when the month turns.
const OPEN_EVERY: i64 = 3;

impl Books {
    /// Calls at the same moment, each of which takes what free tokens are left. Those that got some, with how many.
    async fn call_at_once(&self, wanted: u64) -> Vec<(CallId, u64)> {
        let racing = (0..AT_ONCE).map(|_| async {
            self.reserve(Reservation { free_tokens: Some((wanted, 1)), ..self.reservation(500, 100) }).await
        });
        let held = futures_util::future::join_all(racing).await;
        let (mut free, mut paid) = (Vec::new(), Vec::new());
        for (call, reserved) in held {
            match reserved {
                Reserved::Held { free_tokens: 0, .. } => paid.push(used(call, 0, 0, 0)),
                Reserved::Held { free_tokens, .. } => free.push((call, free_tokens)),
                refused => panic!("{refused:?}"),
            }
        }
        capture_many(&self.db, &paid).await.unwrap();
        free
    }

    /// As if everything of this month had been long ago, so that the next call is the first of another month.
    async fn turn_the_month(&self, month: i64) {
        let past = format!("{}-{:02}", 1990 + month / 12, 1 + month % 12);
        let turn = format!(
            "begin; set local session_replication_role = replica;
            update wallet set period = '{past}' where fund = 'free';
            update hold set free_period = '{past}' where free_period > '2000';
            update grant_ set period = '{past}' where fund = 'free' and period > '2000';
            update ledger_tx set idempotency_key = format('free:%s:{past}', account_id)
            where kind = 'free_tokens' and idempotency_key like 'free:%:20__-__'; commit"
        );
        sqlx::raw_sql(AssertSqlSafe(turn)).execute(&self.root).await.unwrap();
    }

    async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.root).await.unwrap()
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_years_of_calls_at_the_turn_of_the_month_share_a_thousand_tokens_each(root: PgPool) {
    let mut dice = dice("months");
    let market = Books::with(root, 1_000_000).await;
    update_verified(&market.db, market.account, &Email::parse("ada@example.org").unwrap()).await.unwrap();
    let (mut open, mut used_up): (Vec<Capture>, _) = (Vec::new(), 0);
    for month in 0..MONTHS {
        let calls = market.call_at_once(dice.random_range(20..=400)).await;
        let held: u64 = calls.iter().map(|(_, tokens)| tokens).sum();
        assert_eq!(held, ALLOWANCE, "month {month}: {calls:?}");
        // Calls of the month before end in this one, and take nothing of it.
        capture_many(&market.db, &open).await.unwrap();
        let mut captures: Vec<Capture> = calls
            .iter()
            .map(|(call, tokens)| {
                let all = month % 2 == 0;
                used(*call, 70, 0, if all { *tokens } else { dice.random_range(1..=*tokens) })
            })
            .collect();
        open = captures.split_off(captures.len() - usize::from(month % OPEN_EVERY == 0));
        capture_many(&market.db, &captures).await.unwrap();
        market.turn_the_month(month).await;
        used_up += u64::from(month % 2 == 0);
    }
    capture_many(&market.db, &open).await.unwrap();
    let most =
        "select max(sum)::bigint from (select sum(u.free_tokens) from usage_call u join hold using (call_id)
        where free_period is not null group by free_period) as months";
    let (most, months) =
        (market.number(most).await, market.number("select count(distinct free_period) from hold").await);
    let full = "select count(*) from (select sum(u.free_tokens) from usage_call u join hold using (call_id)
        where free_period is not null group by free_period having sum(u.free_tokens) = 1000) as months";
    let full = market.number(full).await;
    let grants = market.number("select count(*) from grant_ where fund = 'free' and amount = 1000").await;
    let times = market.number("select count(*) from ledger_tx where kind = 'free_tokens'").await;
    eprintln!(
        "{months} months of {AT_ONCE} calls at once: {most} tokens used in one at most, {full} months to the last token, {grants} grants in {times} transactions"
    );
    assert_eq!((months, grants, times), (MONTHS, MONTHS, MONTHS));
    assert_eq!(most.cast_unsigned(), ALLOWANCE);
    assert!(full.cast_unsigned() >= used_up, "{full} of {used_up}");
    market.assert_balanced().await;
}
