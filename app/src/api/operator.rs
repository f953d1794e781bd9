//! Doors for operators; the engine checks the role.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use marketplace::operator::Overview;

use crate::error::AppError;

#[server(prefix = "/_fn", endpoint = "read_overview", input = Json)]
pub async fn read_overview() -> Result<Overview, AppError> {
    use crate::context::caller;
    let caller = caller()?;
    Ok(caller.engine.overview(&caller.actor).await?)
}
