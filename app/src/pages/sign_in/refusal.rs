//! What a page shows in place of its content when it may not, or cannot, show it.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use marketplace::fault::Code;

use crate::components::{FaultNotice, Icon};
use crate::error::AppError;

/// A stranger is led to the sign-in page and from there back to this one; any other fault is told as it is.
#[component]
pub fn Refusal(#[prop(into)] fault: AppError) -> impl IntoView {
    refusal(fault, &use_location().pathname.get_untracked())
}

/// The same for the page at `path`.
pub fn refusal(fault: AppError, path: &str) -> AnyView {
    if fault.0.code != Code::Unauthenticated {
        return view! { <FaultNotice fault /> }.into_any();
    }
    view! {
        <div class="notice" role="status">
            <Icon name="user" />
            <div class="stack">
                <p>"This page belongs to an account. Sign in to see yours, and you come straight back here."</p>
                <p class="cluster">
                    <a class="button primary" href=format!("/sign-in?next={path}")>"Sign in"</a>
                    <a class="button" href=format!("/sign-up?next={path}")>"Create account"</a>
                </p>
            </div>
        </div>
    }
    .into_any()
}
