//! Doors to vendors and the keys of ours at them; the engine lets only operators in.

use leptos::prelude::*;

use crate::error::AppError;

#[server(prefix = "/_fn", endpoint = "add_vendor")]
pub async fn add_vendor(id: String, name: String, base_url: String, reason: String) -> Result<(), AppError> {
    use crate::context::caller;
    let caller = caller()?;
    caller.engine.add_vendor(&caller.actor, (&id, &name), &base_url, &reason).await?;
    leptos_axum::redirect("/admin/vendors?done=added");
    Ok(())
}

#[server(prefix = "/_fn", endpoint = "move_vendor")]
pub async fn move_vendor(id: String, base_url: String, reason: String) -> Result<(), AppError> {
    use crate::context::caller;
    let caller = caller()?;
    caller.engine.move_vendor(&caller.actor, &id, &base_url, &reason).await?;
    leptos_axum::redirect("/admin/vendors?done=moved");
    Ok(())
}

#[server(prefix = "/_fn", endpoint = "remove_vendor")]
pub async fn remove_vendor(id: String, reason: String) -> Result<(), AppError> {
    use crate::context::caller;
    let caller = caller()?;
    caller.engine.remove_vendor(&caller.actor, &id, &reason).await?;
    leptos_axum::redirect("/admin/vendors?done=removed");
    Ok(())
}

#[server(prefix = "/_fn", endpoint = "set_vendor_key")]
pub async fn set_vendor_key(id: String, key: String, reason: String) -> Result<(), AppError> {
    use crate::context::caller;
    let caller = caller()?;
    caller.engine.set_vendor_key(&caller.actor, &id, key.into(), &reason).await?;
    leptos_axum::redirect("/admin/vendors?done=set");
    Ok(())
}

#[server(prefix = "/_fn", endpoint = "clear_vendor_key")]
pub async fn clear_vendor_key(id: String, reason: String) -> Result<(), AppError> {
    use crate::context::caller;
    let caller = caller()?;
    caller.engine.clear_vendor_key(&caller.actor, &id, &reason).await?;
    leptos_axum::redirect("/admin/vendors?done=cleared");
    Ok(())
}
