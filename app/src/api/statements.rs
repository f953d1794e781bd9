//! The door to what is needed to check a statement.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use crate::components::Drawn;
use crate::error::AppError;

/// Open to everybody: whoever was handed a statement need not have an account.
#[server(prefix = "/_fn", endpoint = "read_verifier", input = Json)]
pub async fn read_verifier() -> Result<Drawn, AppError> {
    use crate::context::caller;
    let caller = caller()?;
    Ok(crate::sheets::statement::verifier(caller.engine.statement_key(&caller.actor)))
}
