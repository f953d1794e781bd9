//! Closing a call, together with whatever else ends at this moment.

use marketplace::id::CallId;
use marketplace::money::Nanos;
use marketplace::usage::Tokens;
use sqlx::PgPool;
use uuid::Uuid;

use super::grouping::Grouped;
use super::{Capture, Captured};
use crate::Result;
use crate::connect::Kept;

impl Grouped for Capture {
    type Done = Captured;
    const GROUP_MAX: usize = 100;
    /// The vendor has answered, whoever is left to hear of it.
    const OWED: bool = true;

    fn call(&self) -> CallId {
        self.call
    }

    async fn write(pool: &PgPool, kept: &Kept, steps: &[Self]) -> Result<Vec<(CallId, Captured)>> {
        let captured = match steps {
            [one] => vec![capture_one(pool, kept, one).await?],
            group => capture_group(pool, kept, group).await?,
        };
        Ok(captured.into_iter().map(|own| (own.call, own)).collect())
    }
}

/// One that nobody waits with is spared what a group needs.
pub(super) async fn capture_one(pool: &PgPool, kept: &Kept, used: &Capture) -> Result<Captured> {
    let [input, cached_input, cache_write, cache_write_1h, output, reasoning] = counts(&used.tokens);
    let mut step = kept.take(pool).await?;
    let row = sqlx::query!(
        r#"select applied as "applied!", paid as "paid!", released as "released!", overrun as "overrun!",
            free_tokens as "free_tokens!", available as "available!"
        from ledger.capture($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"#,
        used.call.0,
        input,
        cached_input,
        cache_write,
        cache_write_1h,
        output,
        reasoning,
        used.source.as_str(),
        used.charge.provider_cost.0,
        used.charge.commission.0,
        used.finish,
        used.most(),
        used.waited_us(),
    )
    .fetch_one(&mut *step)
    .await?;
    step.done();
    Ok(Captured {
        call: used.call,
        applied: row.applied,
        paid: Nanos(row.paid),
        released: Nanos(row.released),
        overrun: Nanos(row.overrun),
        free_tokens: row.free_tokens.unsigned_abs(),
        available: Nanos(row.available),
    })
}

pub(super) async fn capture_group(pool: &PgPool, kept: &Kept, used: &[Capture]) -> Result<Vec<Captured>> {
    let calls: Vec<Uuid> = used.iter().map(|one| one.call.0).collect();
    let tokens: Vec<i64> = used.iter().flat_map(|one| counts(&one.tokens)).collect();
    let sources: Vec<String> = used.iter().map(|one| one.source.as_str().to_owned()).collect();
    let costs: Vec<i64> = used.iter().map(|one| one.charge.provider_cost.0).collect();
    let commissions: Vec<i64> = used.iter().map(|one| one.charge.commission.0).collect();
    let finishes: Vec<String> = used.iter().map(|one| one.finish.clone()).collect();
    let mosts: Vec<Option<i64>> = used.iter().map(Capture::most).collect();
    let waits: Vec<Option<i64>> = used.iter().map(Capture::waited_us).collect();
    let mut step = kept.take(pool).await?;
    let rows = sqlx::query!(
        r#"select call_id as "call_id!", applied as "applied!", paid as "paid!", released as "released!",
            overrun as "overrun!", free_tokens as "free_tokens!", available as "available!"
        from ledger.capture_many($1, $2, $3, $4, $5, $6, $7, $8)"#,
        &calls,
        &tokens,
        &sources,
        &costs,
        &commissions,
        &finishes,
        &mosts as _,
        &waits as _,
    )
    .fetch_all(&mut *step)
    .await?;
    step.done();
    Ok(rows
        .into_iter()
        .map(|row| Captured {
            call: CallId(row.call_id),
            applied: row.applied,
            paid: Nanos(row.paid),
            released: Nanos(row.released),
            overrun: Nanos(row.overrun),
            free_tokens: row.free_tokens.unsigned_abs(),
            available: Nanos(row.available),
        })
        .collect())
}

impl Capture {
    fn most(&self) -> Option<i64> {
        self.taken.map(|taken| taken.most.0)
    }

    fn waited_us(&self) -> Option<i64> {
        self.taken.map(|taken| i64::try_from(taken.waited.as_micros()).unwrap_or(i64::MAX))
    }
}

/// In the order that `ledger.capture_many` reads them.
fn counts(tokens: &Tokens) -> [i64; 6] {
    [
        tokens.input,
        tokens.cached_input,
        tokens.cache_write,
        tokens.cache_write_1h,
        tokens.output,
        tokens.reasoning,
    ]
    .map(u64::cast_signed)
}
