//! A form whose fields go into the address: with scripts the page stays.

use leptos::prelude::*;
use leptos::web_sys::SubmitEvent;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use crate::browser;

#[component]
pub fn AddressForm(
    action: String,
    #[prop(optional)] options: NavigateOptions,
    children: Children,
) -> impl IntoView {
    let navigate = use_navigate();
    let place = action.clone();
    let submit = move |event: SubmitEvent| {
        if let Some(fields) = browser::fields(&event) {
            event.prevent_default();
            navigate(&format!("{place}?{fields}"), options.clone());
        }
    };
    view! { <form method="get" action=action on:submit=submit>{children()}</form> }.into_any()
}
