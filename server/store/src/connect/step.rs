//! Connections that are handed from one step of a call to the next as they are.
//!
//! Giving one back to the pool costs two more round trips, to undo what its borrower may have left behind. A step is one
//! statement that leaves nothing behind, so only a connection whose step failed or was given up takes that way.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::{Error, Result};

/// As long as the pool lets somebody wait for a connection.
const WAIT_MAX: Duration = Duration::from_secs(5);

const BY_KEYS: &str = "
    set plan_cache_mode = force_generic_plan;
    set enable_seqscan = off;
    set enable_bitmapscan = off;
    set jit = off";

/// Taken out of the pool for good, and never more than half of it. Steps wait for each other, first come, first served;
/// the other half is for everybody else, who would wait in vain for connections that are handed on past them.
#[derive(Debug)]
pub(crate) struct Kept {
    idle: Mutex<Vec<PoolConnection<Postgres>>>,
    places: Semaphore,
    max: usize,
}

impl Kept {
    pub fn of(pool: &PgPool) -> Self {
        let max = usize::try_from(pool.options().get_max_connections() / 2).unwrap_or_default();
        // Where there is no half to keep, steps take the way of everybody else, one at a time.
        Self { idle: Mutex::default(), places: Semaphore::new(max.max(1)), max }
    }

    pub async fn take(&self, pool: &PgPool) -> Result<Step<'_>> {
        let place = timeout(WAIT_MAX, self.places.acquire()).await;
        let place =
            place.ok().and_then(|place| place.ok()).ok_or(Error::Database(sqlx::Error::PoolTimedOut))?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => keep(pool).await?,
        };
        Ok(Step { connection, kept: self, _place: place })
    }
}

/// Steps are the same few statements again and again, by keys: planning them anew costs as much as carrying them out. A plan
/// that was made while the books were empty must not read them whole when they are not. What cannot be had by key has a forbidding
/// price then, at which PostgreSQL would compile it first.
async fn keep(pool: &PgPool) -> Result<PoolConnection<Postgres>> {
    let mut connection = pool.acquire().await?;
    sqlx::raw_sql(BY_KEYS).execute(&mut *connection).await?;
    Ok(connection)
}

impl Drop for Kept {
    fn drop(&mut self) {
        // There may be no runtime any more to give them back on.
        for connection in self.idle.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            drop(connection.leak());
        }
    }
}

/// A connection for one statement. Say `done` when its answer was read to the end.
pub(crate) struct Step<'a> {
    connection: PoolConnection<Postgres>,
    kept: &'a Kept,
    // Given up last, when the connection can be had.
    _place: SemaphorePermit<'a>,
}

impl Step<'_> {
    pub fn done(self) {
        let Self { connection, kept, _place } = self;
        let mut idle = kept.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < kept.max {
            idle.push(connection);
        }
    }
}

impl Deref for Step<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Step<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
