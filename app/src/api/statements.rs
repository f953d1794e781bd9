//! Doors to statements, and to what is needed to check one.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use crate::components::Drawn;
use crate::error::AppError;

#[server(prefix = "/_fn", endpoint = "list_statements", input = Json)]
pub async fn list_statements() -> Result<Drawn, AppError> {
    use crate::context::caller;
    let caller = caller()?;
    Ok(crate::sheets::statement::months(caller.engine.list_statements(&caller.actor).await?))
}

#[server(prefix = "/_fn", endpoint = "read_statement", input = Json)]
pub async fn read_statement(month: String) -> Result<Drawn, AppError> {
    use crate::context::{caller, subject};
    use marketplace::{fault::Fault, statement::Month};
    let caller = caller()?;
    let month = subject(Month::parse(&month).map_err(|_| Fault::not_found("This statement")))?;
    let signed = subject(caller.engine.statement(&caller.actor, month).await)?;
    let key = caller.engine.statement_key(&caller.actor);
    Ok(crate::sheets::statement::sheet(&signed.statement.into(), key))
}

/// Open to everybody: whoever was handed a statement need not have an account.
#[server(prefix = "/_fn", endpoint = "read_verifier", input = Json)]
pub async fn read_verifier() -> Result<Drawn, AppError> {
    use crate::context::caller;
    let caller = caller()?;
    Ok(crate::sheets::statement::verifier(caller.engine.statement_key(&caller.actor)))
}
