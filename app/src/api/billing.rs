//! Doors to a buyer's own money.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use crate::components::Drawn;
use crate::error::AppError;

/// The newest lines first; `before` is the version of the last line already seen.
#[server(prefix = "/_fn", endpoint = "list_ledger", input = Json)]
pub async fn list_ledger(before: Option<i64>) -> Result<Drawn, AppError> {
    use crate::context::caller;
    let caller = caller()?;
    let lines = caller.engine.list_ledger(&caller.actor, before).await?;
    Ok(crate::sheets::ledger::sheet(lines, before))
}

/// What an account is given and what it pays for: whether its address is confirmed, its gifts and its plan. `at` and
/// `refusal` are which form was refused, and why.
#[server(prefix = "/_fn", endpoint = "read_standing", input = Json)]
pub async fn read_standing(
    done: Option<String>,
    at: Option<String>,
    refusal: Option<String>,
) -> Result<Drawn, AppError> {
    use crate::api::letters::SendConfirmation;
    use crate::context::{caller, refused};
    use crate::sheets::standing::{Standing, sheet};
    use leptos::server_fn::ServerFn;
    use marketplace::fault::Fault;
    let caller = caller()?;
    let (engine, actor) = (&caller.engine, &caller.actor);
    let is_ours = at.is_some_and(|at| at == ChoosePlan::PATH || at == SendConfirmation::PATH);
    Ok(sheet(Standing {
        grants: engine.list_grants(actor).await?,
        subscription: engine.subscription(actor).await?,
        plans: engine.list_plans(actor).await?,
        user: caller.user.ok_or_else(Fault::sign_in)?,
        sends_letters: engine.sends_letters(),
        done,
        refusal: refusal.filter(|_| is_ours).as_deref().map(refused),
    }))
}

/// Changes the plan; a dearer one is paid from the balance at once.
#[server(prefix = "/_fn", endpoint = "choose_plan")]
pub async fn choose_plan(plan: String) -> Result<(), AppError> {
    use crate::context::caller;
    let caller = caller()?;
    caller.engine.subscribe(&caller.actor, &plan).await?;
    leptos_axum::redirect("/billing?done=plan");
    Ok(())
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
pub async fn list_top_ups() -> Result<Drawn, AppError> {
    use crate::context::caller;
    let caller = caller()?;
    Ok(crate::sheets::top_ups::sheet(caller.engine.list_top_ups(&caller.actor).await?))
}
