//! Sums for the operator, all read from the ledger itself.

use chrono::SecondsFormat;
use marketplace::money::Nanos;
use marketplace::operator::{AuditLine, ModelShare, Overview, Span};

use crate::{Db, Result};

pub async fn get_overview(db: &Db) -> Result<Overview> {
    let totals = sqlx::query!(
        r#"
        select (select count(*) from account) as "users!",
            (select coalesce(sum(posted), 0)::bigint from wallet where asset = 'USD') as "balances!",
            (select coalesce(sum(held), 0)::bigint from wallet where asset = 'USD') as "held!",
            (select count(*) from hold where state = 'open') as "open_holds!",
            (select coalesce(sum(amount), 0)::bigint from ledger_entry where asset = 'USD') as "entry_sum!"
        "#
    )
    .fetch_one(db.books())
    .await?;
    Ok(Overview {
        spans: list_spans(db).await?,
        users: totals.users,
        balances_nanos: Nanos(totals.balances),
        held_nanos: Nanos(totals.held),
        open_holds: totals.open_holds,
        entry_sum_nanos: Nanos(totals.entry_sum),
        top_models: list_top_models(db).await?,
        audit: list_audit(db, 20).await?,
    })
}

/// Today, seven, thirty and ninety UTC days, today included.
async fn list_spans(db: &Db) -> Result<Vec<Span>> {
    let rows = sqlx::query!(
        r#"
        select d.days as "days!", coalesce(sum(u.calls), 0)::bigint as "calls!",
            coalesce(sum(u.failed), 0)::bigint as "failed!", count(distinct u.account_id) as "active!",
            coalesce(sum(u.charge), 0)::bigint as "revenue!",
            coalesce(sum(u.commission), 0)::bigint as "commission!",
            coalesce(sum(u.provider_cost), 0)::bigint as "provider!"
        from (values (1), (7), (30), (90)) as d (days)
            left join usage_by_day u on u.day > (now() at time zone 'utc')::date - d.days
        group by d.days order by d.days
        "#
    )
    .fetch_all(db.books())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Span {
            days: row.days,
            revenue_nanos: Nanos(row.revenue),
            commission_nanos: Nanos(row.commission),
            provider_nanos: Nanos(row.provider),
            calls: row.calls,
            failed_calls: row.failed,
            active_users: row.active,
        })
        .collect())
}

async fn list_top_models(db: &Db) -> Result<Vec<ModelShare>> {
    let rows = sqlx::query!(
        r#"
        select model_id as "model_id!", sum(calls)::bigint as "calls!", sum(charge)::bigint as "charge!",
            sum(commission)::bigint as "commission!"
        from usage_by_day where day > (now() at time zone 'utc')::date - 30
        group by model_id order by sum(charge) desc, model_id limit 10
        "#
    )
    .fetch_all(db.books())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ModelShare {
            model: row.model_id,
            calls: row.calls,
            charge_nanos: Nanos(row.charge),
            commission_nanos: Nanos(row.commission),
        })
        .collect())
}

async fn list_audit(db: &Db, limit: i64) -> Result<Vec<AuditLine>> {
    let rows = sqlx::query!(
        "select at, actor, action, subject, reason from audit_event order by at desc limit $1",
        limit
    )
    .fetch_all(db.books())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| AuditLine {
            at: row.at.to_rfc3339_opts(SecondsFormat::Secs, true),
            actor: row.actor,
            action: row.action,
            subject: row.subject,
            reason: row.reason,
        })
        .collect())
}
