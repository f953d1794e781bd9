//! Connections that are handed from one step of a call to the next as they are.
//!
//! Giving one back to the pool costs two more round trips, to undo what its borrower may have left behind. A step is one
//! statement that leaves nothing behind, so only a connection whose step failed or was given up takes that way.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres};

use crate::Result;

/// Taken out of the pool for good, and never more than half of it, so that nobody else need wait for them.
#[derive(Debug)]
pub(crate) struct Kept {
    idle: Mutex<Vec<PoolConnection<Postgres>>>,
    max: usize,
}

impl Kept {
    pub fn of(pool: &PgPool) -> Self {
        let max = pool.options().get_max_connections() / 2;
        Self { idle: Mutex::default(), max: usize::try_from(max).unwrap_or_default() }
    }

    pub async fn take(&self, pool: &PgPool) -> Result<Step<'_>> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => pool.acquire().await?,
        };
        Ok(Step { connection, kept: self })
    }
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
}

impl Step<'_> {
    pub fn done(self) {
        let mut idle = self.kept.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.kept.max {
            idle.push(self.connection);
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
