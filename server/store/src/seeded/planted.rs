//! The bug that `MERCATO_SEEDED_BUG` names: where it stands in the database, and what it makes of a charge.

use std::env;
use std::sync::LazyLock;

use chrono::Utc;
use marketplace::money::Nanos;
use marketplace::price::{Charge, Price, TakeRate};
use serde_json::Value;
use sqlx::PgConnection;
use tracing::warn;

use super::{Bug, Sale};
use crate::{Db, Error, Result};

const VARIABLE: &str = "MERCATO_SEEDED_BUG";
const EDIT: &str = include_str!("../../seeded/edit.sql");

#[derive(Debug)]
struct Seed {
    name: &'static str,
    bug: Bug,
    /// What it changes in the database; nothing where it stands in our own code.
    sql: &'static str,
}

const SEEDS: [Seed; 10] = [
    in_database("drop_guard", Bug::DropGuard, include_str!("../../seeded/drop_guard.sql")),
    in_database("capture_twice", Bug::CaptureTwice, include_str!("../../seeded/capture_twice.sql")),
    in_code("price_at_settle", Bug::PriceAtSettle),
    in_database("fold_by_id", Bug::FoldById, include_str!("../../seeded/fold_by_id.sql")),
    in_code("leak_hold", Bug::LeakHold),
    in_code("retry_after_first_byte", Bug::RetryAfterFirstByte),
    in_code("estimate_zero", Bug::EstimateZero),
    in_database("skip_lease_check", Bug::SkipLeaseCheck, include_str!("../../seeded/skip_lease_check.sql")),
    in_database("round_down", Bug::RoundDown, include_str!("../../seeded/round_down.sql")),
    in_code("trust_client", Bug::TrustClient),
];

static CHOSEN: LazyLock<Option<Seed>> = LazyLock::new(|| {
    let name = env::var(VARIABLE).ok()?;
    SEEDS.into_iter().find(|seed| seed.name == name)
});

pub fn is_on(bug: Bug) -> bool {
    CHOSEN.as_ref().is_some_and(|seed| seed.bug == bug)
}

/// Puts the bug into a schema that was just brought up to date. It may be there already.
pub async fn plant(connection: &mut PgConnection) -> Result<()> {
    let Some(seed) = CHOSEN.as_ref() else {
        // A bug of another name would be noticed by nobody.
        return if env::var_os(VARIABLE).is_none() { Ok(()) } else { Err(Error::Unreadable(VARIABLE)) };
    };
    warn!(bug = seed.name, "the bug {} is put in on purpose", seed.name);
    if !seed.sql.is_empty() {
        sqlx::raw_sql(EDIT).execute(&mut *connection).await?;
        sqlx::raw_sql(seed.sql).execute(&mut *connection).await?;
    }
    Ok(())
}

/// What the bug, if it is one of charging, makes of the right charge.
pub async fn mischarge(db: &Db, sale: Sale<'_>, charge: Charge) -> Charge {
    match (CHOSEN.as_ref().map(|seed| seed.bug), sale.cap) {
        (Some(Bug::PriceAtSettle), _) => at_the_price_of_now(db, &sale).await.unwrap_or(charge),
        (Some(Bug::RoundDown), _) => rounded_down(&sale),
        (Some(Bug::TrustClient), Some(cap)) => as_told(cap, sale.take),
        _ => charge,
    }
}

const fn in_database(name: &'static str, bug: Bug, sql: &'static str) -> Seed {
    Seed { name, bug, sql }
}

const fn in_code(name: &'static str, bug: Bug) -> Seed {
    Seed { name, bug, sql: "" }
}

async fn at_the_price_of_now(db: &Db, sale: &Sale<'_>) -> Option<Charge> {
    let now = "select p.terms from hold h join price p using (model_id, provider)
        where h.call_id = $1 and upper_inf(p.valid_during)";
    let terms: Value = sqlx::query_scalar(now).bind(sale.call.0).fetch_one(db.books()).await.ok()?;
    let price: Price = serde_json::from_value(terms).ok()?;
    Some(price.rates_for(sale.tokens.input_total(), Utc::now()).charge(sale.tokens, sale.take))
}

fn rounded_down(sale: &Sale<'_>) -> Charge {
    let provider_cost = sale.rates.weight(sale.tokens) / 1_000_000;
    let charge = provider_cost * 10_000 / (10_000 - i128::from(sale.take.0));
    parts(nanos(provider_cost), nanos(charge))
}

fn as_told(cap: Nanos, take: TakeRate) -> Charge {
    let provider_cost = i128::from(cap.0) * (10_000 - i128::from(take.0)) / 10_000;
    parts(nanos(provider_cost), cap)
}

fn parts(provider_cost: Nanos, charge: Nanos) -> Charge {
    Charge { provider_cost, commission: charge - provider_cost, charge }
}

fn nanos(amount: i128) -> Nanos {
    Nanos(i64::try_from(amount).unwrap_or(i64::MAX))
}
