//! Doors to a buyer's own money.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use marketplace::billing::{LedgerLine, TopUp};
use marketplace::receipt::Receipt;

use crate::error::AppError;

/// The newest lines first; `before` is the version of the last line already seen.
#[server(prefix = "/_fn", endpoint = "list_ledger", input = Json)]
pub async fn list_ledger(before: Option<i64>) -> Result<Vec<LedgerLine>, AppError> {
    use crate::context::caller;
    let caller = caller()?;
    Ok(caller.engine.list_ledger(&caller.actor, before).await?)
}

/// Begins a payment and sends the buyer to the page that takes it.
#[server(prefix = "/_fn", endpoint = "start_top_up")]
pub async fn start_top_up(amount_usd: String) -> Result<(), AppError> {
    use crate::context::caller;
    let caller = caller()?;
    let top_up = caller.engine.start_top_up(&caller.actor, &amount_usd).await?;
    leptos_axum::redirect(&top_up.checkout_url);
    Ok(())
}

#[server(prefix = "/_fn", endpoint = "list_top_ups", input = Json)]
pub async fn list_top_ups() -> Result<Vec<TopUp>, AppError> {
    use crate::context::caller;
    let caller = caller()?;
    Ok(caller.engine.list_top_ups(&caller.actor).await?)
}

#[server(prefix = "/_fn", endpoint = "read_top_up", input = Json)]
pub async fn read_top_up(id: String) -> Result<TopUp, AppError> {
    use crate::context::caller;
    let caller = caller()?;
    Ok(caller.engine.top_up(&caller.actor, marketplace::id::TopUpId::parse(&id)?).await?)
}

#[server(prefix = "/_fn", endpoint = "read_receipt", input = Json)]
pub async fn read_receipt(id: String) -> Result<Receipt, AppError> {
    use crate::context::caller;
    let caller = caller()?;
    Ok(caller.engine.receipt(&caller.actor, marketplace::id::CallId::parse(&id)?).await?)
}
