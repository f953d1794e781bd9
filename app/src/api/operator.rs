//! Doors for operators; the engine checks the role.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use crate::components::Drawn;
use crate::error::AppError;

#[server(prefix = "/_fn", endpoint = "read_overview", input = Json)]
pub async fn read_overview() -> Result<Drawn, AppError> {
    use crate::context::{caller, subject};
    let caller = caller()?;
    let overview = subject(caller.engine.overview(&caller.actor).await)?;
    let refusals = caller.engine.list_refusals(&caller.actor).await?;
    Ok(crate::sheets::admin::panels(overview, refusals))
}
