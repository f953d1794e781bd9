//! Doors for signing up, in and out.

use leptos::prelude::*;
use marketplace::account::User;

use crate::error::AppError;

/// Who is looking, if anybody signed in.
#[server(prefix = "/_fn", endpoint = "read_user")]
pub async fn read_user() -> Result<Option<User>, AppError> {
    use crate::context::caller;
    Ok(caller()?.user)
}

#[server(prefix = "/_fn", endpoint = "sign_up")]
pub async fn sign_up(email: String, password: String, next: Option<String>) -> Result<(), AppError> {
    use crate::context::{caller, go_on_signed_in};
    let caller = caller()?;
    let signed_in = caller.engine.sign_up(&caller.actor, &email, &password, None).await?;
    go_on_signed_in(&caller, &signed_in, next.as_deref());
    Ok(())
}

#[server(prefix = "/_fn", endpoint = "sign_in")]
pub async fn sign_in(email: String, password: String, next: Option<String>) -> Result<(), AppError> {
    use crate::context::{caller, go_on_signed_in};
    let caller = caller()?;
    let signed_in = caller.engine.sign_in(&caller.actor, &email, &password).await?;
    go_on_signed_in(&caller, &signed_in, next.as_deref());
    Ok(())
}

#[server(prefix = "/_fn", endpoint = "sign_out")]
pub async fn sign_out() -> Result<(), AppError> {
    use crate::context::{caller, go_on_signed_out};
    let caller = caller()?;
    caller.engine.sign_out(&caller.actor).await?;
    go_on_signed_out(&caller);
    Ok(())
}
