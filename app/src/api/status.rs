//! The door to what was measured of vendors; open to everybody.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use crate::components::Drawn;
use crate::error::AppError;

#[server(prefix = "/_fn", endpoint = "read_status", input = Json)]
pub async fn read_status() -> Result<Drawn, AppError> {
    use crate::context::caller;
    use marketplace::health::Span;
    let caller = caller()?;
    // The page says what it knows, and what it cannot know.
    let health = caller.engine.health(&caller.actor, Span::Day).await.ok();
    let books = caller.engine.books_glance(&caller.actor).await;
    Ok(crate::sheets::status::sheet(health.as_deref(), books))
}
