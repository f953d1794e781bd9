//! Doors for who was sent a letter, or wants one.

use leptos::prelude::*;

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
