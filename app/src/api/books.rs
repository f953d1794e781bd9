//! The door to the state of the books; open to everybody.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use crate::components::Drawn;
use crate::error::AppError;

/// One line for the foot of every page; empty while nobody knows.
#[server(prefix = "/_fn", endpoint = "read_books_line", input = Json)]
pub async fn read_books_line() -> Result<Drawn, AppError> {
    use crate::context::caller;
    let caller = caller()?;
    Ok(crate::sheets::books::line(caller.engine.books_glance(&caller.actor).await))
}
