//! Closing a call, together with whatever else ends at this moment.

use marketplace::id::CallId;
use sqlx::PgPool;

use super::grouping::Grouped;
use super::{Capture, Captured, capture_group};
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
        let captured = capture_group(pool, kept, steps).await?;
        Ok(captured.into_iter().map(|own| (own.call, own)).collect())
    }
}
