//! The fields of the sign-in and sign-up forms, each with its own error.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use marketplace::account::Email;

use crate::components::{Field, Wrong};
use crate::error::AppError;

/// What is wrong with the form as a whole. What is wrong with a field stands at that field.
#[component]
pub fn FormFault(fault: Signal<Option<AppError>>) -> impl IntoView {
    let notice = move || {
        let AppError(fault) =
            fault.get().filter(|fault| !fault.is_about("email") && !fault.is_about("password"))?;
        let wait = fault.retry_after_seconds.map(|seconds| format!(" Try again in {seconds} s."));
        Some(view! { <p class="notice bad" role="alert">{fault.message}{wait}</p> }.into_any())
    };
    view! { {move || notice()} }
}

/// Where the form leads, carried along from the address.
#[component]
pub fn NextField() -> impl IntoView {
    let query = use_query_map();
    view! {
        {move || query.read().get("next").map(|next| view! { <input type="hidden" name="next" value=next /> }.into_any())}
    }
}

#[component]
pub fn EmailField(fault: Signal<Option<AppError>>) -> impl IntoView {
    let wrong = Wrong { fault, field: "email" };
    view! {
        <Field id="email" label="E-mail" wrong>
            <input
                id="email"
                name="email"
                type="email"
                autocomplete="username"
                maxlength=Email::LENGTH_MAX.to_string()
                required
                aria-describedby="email-error"
                aria-invalid=move || wrong.mark()
            />
        </Field>
    }
}

#[component]
pub fn PasswordField(
    fault: Signal<Option<AppError>>,
    autocomplete: &'static str,
    #[prop(optional)] hint: Option<&'static str>,
) -> impl IntoView {
    let wrong = Wrong { fault, field: "password" };
    let described = if hint.is_some() { "password-hint password-error" } else { "password-error" };
    let shown = RwSignal::new(false);
    view! {
        <Field id="password" label="Password" hint=hint wrong=wrong>
            <div class="password">
                <input
                    id="password"
                    name="password"
                    type=move || if shown.get() { "text" } else { "password" }
                    autocomplete=autocomplete
                    required
                    aria-describedby=described
                    aria-invalid=move || wrong.mark()
                />
                <button
                    type="button"
                    class="button quiet scripted"
                    aria-pressed=move || shown.get().to_string()
                    on:click=move |_| shown.update(|shown| *shown = !*shown)
                >
                    "Show"
                    <span class="visually-hidden">" password"</span>
                </button>
            </div>
        </Field>
    }
}
