//! Doors for who was sent a letter, or wants one.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use crate::components::Drawn;
use crate::error::AppError;

/// Sends the letter again that confirms the caller's address.
#[server(prefix = "/_fn", endpoint = "send_confirmation")]
pub async fn send_confirmation() -> Result<(), AppError> {
    use crate::context::caller;
    let caller = caller()?;
    caller.engine.send_confirmation(&caller.actor).await?;
    leptos_axum::redirect("/billing?done=letter");
    Ok(())
}

#[server(prefix = "/_fn", endpoint = "confirm_address")]
pub async fn confirm_address(token: String) -> Result<(), AppError> {
    use crate::context::caller;
    let caller = caller()?;
    caller.engine.confirm_address(&caller.actor, &token).await?;
    leptos_axum::redirect("/confirm?done=1");
    Ok(())
}

#[server(prefix = "/_fn", endpoint = "forget_password")]
pub async fn forget_password(email: String) -> Result<(), AppError> {
    use crate::context::caller;
    let caller = caller()?;
    caller.engine.forget_password(&caller.actor, &email).await?;
    leptos_axum::redirect("/forgot?done=1");
    Ok(())
}

#[server(prefix = "/_fn", endpoint = "reset_password")]
pub async fn reset_password(token: String, password: String) -> Result<(), AppError> {
    use crate::context::caller;
    let caller = caller()?;
    caller.engine.reset_password(&caller.actor, &token, &password).await?;
    leptos_axum::redirect("/reset?done=1");
    Ok(())
}

/// A page that a letter leads to or comes from; looking at it changes nothing. `refusal` is what its form was told.
#[server(prefix = "/_fn", endpoint = "read_letter_page", input = Json)]
pub async fn read_letter_page(
    page: String,
    token: Option<String>,
    done: Option<String>,
    refusal: Option<String>,
) -> Result<Drawn, AppError> {
    use crate::context::{caller, refused};
    use crate::sheets::letter::{Letter, sheet};
    let sends_letters = caller()?.engine.sends_letters();
    let letter =
        Letter { token, is_done: done.is_some(), refusal: refusal.as_deref().map(refused), sends_letters };
    Ok(sheet(&page, letter))
}
