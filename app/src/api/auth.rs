//! Doors for signing up, in and out.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use marketplace::account::User;
use marketplace::billing::Balance;
use serde::{Deserialize, Serialize};

use crate::error::AppError;

/// Who is looking and what they have to spend; nobody unless they signed in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Visit {
    pub user: Option<User>,
    pub balance: Option<Balance>,
}

#[server(prefix = "/_fn", endpoint = "read_visit", input = Json)]
pub async fn read_visit() -> Result<Visit, AppError> {
    use crate::context::caller;
    let caller = caller()?;
    let balance = match caller.user {
        Some(_) => Some(caller.engine.balance(&caller.actor).await?),
        None => None,
    };
    Ok(Visit { user: caller.user, balance })
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
