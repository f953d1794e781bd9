//! What providers say we owe them, beside what the books say.

use chrono::NaiveDate;
use marketplace::id::ProviderId;
use marketplace::money::Nanos;
use marketplace::operator::{Agreement, Reconciled, ReportTaken};

use crate::{Db, Error, Result};

/// A provider's word on some days.
#[derive(Debug)]
pub struct Report<'a> {
    pub provider: &'a ProviderId,
    /// Whether it stops counting when we hang up. What one that does not bills for stopped calls, the house pays.
    pub stops_on_abort: bool,
    /// Each day and model once.
    pub lines: &'a [Line],
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub day: NaiveDate,
    pub model: String,
    pub amount: Nanos,
}

/// Takes a report down, whole or not at all, and books what it says beyond the calls as far as leaks explain it.
pub async fn record_report(db: &Db, report: &Report<'_>, actor: &str) -> Result<ReportTaken> {
    let days: Vec<NaiveDate> = report.lines.iter().map(|line| line.day).collect();
    let models: Vec<String> = report.lines.iter().map(|line| line.model.clone()).collect();
    let amounts: Vec<i64> = report.lines.iter().map(|line| line.amount.0).collect();
    // In one order, so that two imports wait for each other instead of blocking each other.
    let rows = sqlx::query!(
        r#"select r.outcome as "outcome!", r.abort_leak as "abort_leak!", r.crash_leak as "crash_leak!"
        from (
            select * from unnest($1::date[], $2::text[], $3::bigint[]) as l (day, model_id, amount)
            order by day, model_id
        ) as line, lateral ledger.record_report($4, $5, line.day, line.model_id, line.amount, $6) as r"#,
        &days,
        &models,
        &amounts,
        report.provider.0,
        report.stops_on_abort,
        actor,
    )
    .fetch_all(&mut *db.patient().await?)
    .await?;
    let count = |outcome: &str| rows.iter().filter(|row| row.outcome == outcome).count();
    Ok(ReportTaken {
        provider: report.provider.clone(),
        lines: rows.len(),
        new: count("new"),
        corrected: count("corrected"),
        unchanged: count("same"),
        abort_leak_nanos: rows.iter().map(|row| Nanos(row.abort_leak)).sum(),
        crash_leak_nanos: rows.iter().map(|row| Nanos(row.crash_leak)).sum(),
    })
}

/// Books and reports beside each other, newest day first; both days are included.
pub async fn list_reconciled(db: &Db, from: NaiveDate, to: NaiveDate) -> Result<Vec<Reconciled>> {
    let rows = sqlx::query!(
        r#"select provider as "provider!", day as "day!", model_id as "model_id!", calls as "calls!",
            booked as "booked!", abort_leak as "abort_leak!", crash_leak as "crash_leak!", reported, difference,
            state as "state!"
        from ledger.reconcile($1, $2) order by day desc, provider, model_id"#,
        from,
        to,
    )
    .fetch_all(&mut *db.patient().await?)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Reconciled {
                provider: ProviderId(row.provider),
                day: row.day,
                model: row.model_id,
                calls: row.calls,
                booked_nanos: Nanos(row.booked),
                abort_leak_nanos: Nanos(row.abort_leak),
                crash_leak_nanos: Nanos(row.crash_leak),
                reported_nanos: row.reported.map(Nanos),
                difference_nanos: row.difference.map(Nanos),
                state: Agreement::parse(&row.state).ok_or(Error::Unreadable("ledger.reconcile state"))?,
            })
        })
        .collect()
}
