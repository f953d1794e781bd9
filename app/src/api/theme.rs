//! The door to the look of the page.

use leptos::prelude::*;

use crate::error::AppError;

/// Remembers `light`, `dark` or `system` in a cookie, so the next page is drawn in it from the first byte.
#[server(prefix = "/_fn", endpoint = "set_theme")]
pub async fn set_theme(theme: String) -> Result<(), AppError> {
    use crate::context::remember_theme;
    remember_theme(&theme);
    Ok(())
}
