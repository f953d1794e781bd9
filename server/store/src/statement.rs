//! What a statement is written from: a month of an account's wallets, and the calls it paid for.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use marketplace::id::{AccountId, CallId, ModelId, PriceId, ProviderId};
use marketplace::money::Nanos;
use marketplace::price::{Price, Rates, TakeRate};
use marketplace::statement::{
    CallLine, Entry, Fund, Month, Point, Statement, Totals, USAGE, WalletMonth, hexadecimal,
};
use marketplace::usage::{Tokens, UsageSource};
use sqlx::PgConnection;
use sqlx::types::JsonValue;
use uuid::Uuid;

use crate::{Db, Error, Result};

/// A transaction that began in the last moments of a month may be booked a moment after it.
const LATE_MAX: TimeDelta = TimeDelta::minutes(1);

/// From the month in which the account was opened to the one that runs.
pub async fn get_months(db: &Db, account: AccountId) -> Result<(Month, Month)> {
    let row =
        sqlx::query!(r#"select created_at, now() as "now!" from account where account_id = $1"#, account.0)
            .fetch_optional(&mut *db.of(account).await?)
            .await?
            .ok_or(Error::NotFound)?;
    Ok((Month::of(row.created_at), Month::of(row.now)))
}

/// Reads wallets, entries and calls in three steps. What was booked never changes, so they fit together.
pub async fn get_statement(db: &Db, account: AccountId, month: Month) -> Result<Statement> {
    let mut connection = db.of(account).await?;
    let (mut wallets, issued_at) = list_wallets(&mut connection, account, month).await?;
    add_entries(&mut connection, account, &mut wallets).await?;
    let calls = list_calls(&mut connection, account, month, &wallets).await?;
    Ok(Statement {
        account,
        month,
        complete: issued_at >= month.ends() + LATE_MAX,
        issued_at: time(issued_at),
        totals: Totals::of(&wallets, &calls),
        wallets,
        calls,
    })
}

/// Where each wallet stood at both ends of the month. Up to now it is the wallet itself that says so.
async fn list_wallets(
    connection: &mut PgConnection,
    account: AccountId,
    month: Month,
) -> Result<(Vec<WalletMonth>, DateTime<Utc>)> {
    let rows = sqlx::query!(
        r#"
        select w.fund, now() as "now!", o.version as "opening_version!", c.version as "closing_version!",
            coalesce(before.balance_after, 0) as "opening_balance!", coalesce(before.hash, ''::bytea) as "opening_head!",
            case when c.version = w.version then w.posted else coalesce(last.balance_after, 0) end
                as "closing_balance!",
            case when c.version = w.version then w.chain_head else coalesce(last.hash, ''::bytea) end
                as "closing_head!"
        from wallet w
            join ledger.versions_before($1, $2) o using (fund)
            join ledger.versions_before($1, $3) c using (fund)
            left join ledger_entry before
                on before.account_id = $1 and before.fund = w.fund and before.wallet_version = o.version
            left join ledger_entry last
                on last.account_id = $1 and last.fund = w.fund and last.wallet_version = c.version
        where w.account_id = $1
        "#,
        account.0,
        month.begins(),
        month.ends(),
    )
    .fetch_all(connection)
    .await?;
    let now = rows.first().map(|row| row.now).ok_or(Error::NotFound)?;
    let mut wallets = Vec::with_capacity(rows.len());
    for row in rows {
        let point = |version, balance, head: &[u8]| Point { version, balance, head: hexadecimal(head) };
        wallets.push(WalletMonth {
            fund: Fund::parse(&row.fund).ok_or(Error::Unreadable("wallet.fund"))?,
            opening: point(row.opening_version, row.opening_balance, &row.opening_head),
            closing: point(row.closing_version, row.closing_balance, &row.closing_head),
            entries: Vec::new(),
        });
    }
    wallets.sort_by_key(|wallet| Fund::ALL.iter().position(|fund| *fund == wallet.fund));
    Ok((wallets, now))
}

async fn add_entries(
    connection: &mut PgConnection,
    account: AccountId,
    wallets: &mut [WalletMonth],
) -> Result<()> {
    let funds: Vec<String> = wallets.iter().map(|wallet| wallet.fund.as_str().to_owned()).collect();
    let after: Vec<i64> = wallets.iter().map(|wallet| wallet.opening.version).collect();
    let upto: Vec<i64> = wallets.iter().map(|wallet| wallet.closing.version).collect();
    let rows = sqlx::query!(
        r#"
        select e.fund as "fund!", e.wallet_version as "version!", e.tx_id, e.line, t.kind, t.reason, t.call_id,
            e.created_at, e.amount, e.balance_after as "balance!", e.hash as "hash!"
        from unnest($2::text[], $3::bigint[], $4::bigint[]) as span (fund, after, upto)
            join ledger_entry e on e.account_id = $1 and e.fund = span.fund
                and e.wallet_version > span.after and e.wallet_version <= span.upto
            join ledger_tx t using (tx_id)
        order by e.fund, e.wallet_version
        "#,
        account.0,
        &funds,
        &after,
        &upto,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let Some(wallet) = wallets.iter_mut().find(|wallet| wallet.fund.as_str() == row.fund) else {
            continue;
        };
        wallet.entries.push(Entry {
            version: row.version,
            tx: row.tx_id,
            line: row.line,
            kind: row.kind,
            note: row.reason,
            call: row.call_id.map(CallId),
            at: time(row.created_at),
            amount: row.amount,
            balance: row.balance,
            hash: hexadecimal(&row.hash),
        });
    }
    Ok(())
}

struct CallRow {
    call_id: Uuid,
    model_id: String,
    provider: String,
    price_id: Uuid,
    take_bps: i32,
    input: i64,
    cached_input: i64,
    cache_write: i64,
    cache_write_1h: i64,
    output: i64,
    reasoning: i64,
    usage_source: String,
    provider_cost: i64,
    commission: i64,
    charge: i64,
    overrun: i64,
    free_tokens: i64,
    finish: String,
    started_at: DateTime<Utc>,
    settled_at: DateTime<Utc>,
    terms: JsonValue,
}

/// The calls that these entries pay for, and those of the month that moved nothing.
async fn list_calls(
    connection: &mut PgConnection,
    account: AccountId,
    month: Month,
    wallets: &[WalletMonth],
) -> Result<Vec<CallLine>> {
    let entries = wallets.iter().flat_map(|wallet| &wallet.entries);
    let paid: Vec<Uuid> =
        entries.filter(|entry| entry.kind == USAGE).filter_map(|entry| Some(entry.call?.0)).collect();
    let rows = sqlx::query_as!(
        CallRow,
        r#"
        select u.call_id, u.model_id, u.provider, u.price_id, u.take_bps, u.input, u.cached_input, u.cache_write,
            u.cache_write_1h, u.output, u.reasoning, u.usage_source, u.provider_cost, u.commission, u.charge, u.overrun,
            u.free_tokens, u.finish, u.started_at, u.settled_at, p.terms
        from (
            select call_id from unnest($4::uuid[]) as paid (call_id)
            union
            select idle.call_id from usage_call idle
            where idle.account_id = $1 and idle.settled_at >= $2 and idle.settled_at < $3
                and not exists (
                    select from ledger_tx t join ledger_entry e using (tx_id)
                    where t.kind = 'usage' and t.idempotency_key = idle.call_id::text and e.account_id = $1
                )
        ) as listed
            join usage_call u using (call_id) join price p using (price_id)
        where u.account_id = $1
        order by u.settled_at, u.call_id
        "#,
        account.0,
        month.begins(),
        month.ends(),
        &paid,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(call_line).collect()
}

fn call_line(row: CallRow) -> Result<CallLine> {
    let price: Price = serde_json::from_value(row.terms).map_err(|_| Error::Unreadable("price.terms"))?;
    let usage = Tokens {
        input: row.input.unsigned_abs(),
        cached_input: row.cached_input.unsigned_abs(),
        cache_write: row.cache_write.unsigned_abs(),
        cache_write_1h: row.cache_write_1h.unsigned_abs(),
        output: row.output.unsigned_abs(),
        reasoning: row.reasoning.unsigned_abs(),
    };
    let take = u16::try_from(row.take_bps).map_err(|_| Error::Unreadable("usage_call.take_bps"))?;
    let provider_cost = Nanos(row.provider_cost);
    Ok(CallLine {
        id: CallId(row.call_id),
        model: ModelId::parse(&row.model_id).map_err(|_| Error::Unreadable("usage_call.model_id"))?,
        provider: ProviderId(row.provider),
        price_version: PriceId(row.price_id),
        rates: applied(&price, &usage, row.started_at, provider_cost),
        commission_bps: TakeRate(take),
        usage,
        usage_source: UsageSource::parse(&row.usage_source)
            .ok_or(Error::Unreadable("usage_call.usage_source"))?,
        provider_cost_nanos: provider_cost,
        commission_nanos: Nanos(row.commission),
        charge_nanos: Nanos(row.charge),
        overrun_nanos: Nanos(row.overrun),
        free_tokens: row.free_tokens.unsigned_abs(),
        finish: row.finish,
        begun_at: time(row.started_at),
        settled_at: time(row.settled_at),
    })
}

/// The rates that were applied. Those the price names for this size and hour, unless only others of the same version
/// lead to the cost: a call that was closed for a dead server was priced by what was known when it began.
fn applied(price: &Price, usage: &Tokens, begun_at: DateTime<Utc>, cost: Nanos) -> Rates {
    let usual = price.rates_for(usage.input_total(), begun_at);
    let leads_there = |rates: &Rates| rates.charge(usage, TakeRate(0)).provider_cost == cost;
    if leads_there(&usual) {
        return usual;
    }
    let others = [
        Some(price.rates),
        price.long_context.as_ref().map(|long| long.rates),
        price.off_peak.as_ref().map(|off_peak| off_peak.rates),
    ];
    others.into_iter().flatten().find(leads_there).unwrap_or(usual)
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
