//! The fields of the sign-in and sign-up forms, each with its own error.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use marketplace::account::Email;

use crate::components::FieldError;
use crate::error::AppError;

/// What is wrong with the form as a whole. What is wrong with a field stands at that field.
#[component]
pub fn FormFault(fault: Signal<Option<AppError>>) -> impl IntoView {
    move || {
        let AppError(fault) =
            fault.get().filter(|fault| !is_at(fault, "email") && !is_at(fault, "password"))?;
        let wait = fault.retry_after_seconds.map(|seconds| format!(" Try again in {seconds} s."));
        Some(view! { <p class="notice bad" role="alert">{fault.message}{wait}</p> })
    }
}

/// Where the form leads, carried along from the address.
#[component]
pub fn NextField() -> impl IntoView {
    let query = use_query_map();
    move || query.read().get("next").map(|next| view! { <input type="hidden" name="next" value=next /> })
}

#[component]
pub fn EmailField(fault: Signal<Option<AppError>>) -> impl IntoView {
    view! {
        <div class="field">
            <label for="email">"E-mail"</label>
            <input
                id="email"
                name="email"
                type="email"
                autocomplete="username"
                maxlength=Email::LENGTH_MAX.to_string()
                required
                aria-describedby="email-error"
                aria-invalid=invalid(fault, "email")
            />
            <div role="alert"><FieldError fault field="email" /></div>
        </div>
    }
}

#[component]
pub fn PasswordField(
    fault: Signal<Option<AppError>>,
    autocomplete: &'static str,
    #[prop(optional)] hint: Option<&'static str>,
) -> impl IntoView {
    let shown = RwSignal::new(false);
    view! {
        <div class="field">
            <label for="password">"Password"</label>
            <div class="password">
                <input
                    id="password"
                    name="password"
                    type=move || if shown.get() { "text" } else { "password" }
                    autocomplete=autocomplete
                    required
                    aria-describedby=if hint.is_some() { "password-hint password-error" } else { "password-error" }
                    aria-invalid=invalid(fault, "password")
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
            {hint.map(|hint| view! { <p class="hint" id="password-hint">{hint}</p> })}
            <div role="alert"><FieldError fault field="password" /></div>
        </div>
    }
}

fn invalid(fault: Signal<Option<AppError>>, field: &'static str) -> impl Fn() -> Option<&'static str> {
    move || fault.get().is_some_and(|fault| is_at(&fault, field)).then_some("true")
}

fn is_at(fault: &AppError, field: &str) -> bool {
    fault.0.field.as_deref() == Some(field)
}
