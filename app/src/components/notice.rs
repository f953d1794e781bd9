//! What is said when something went wrong: the message, what it means for the money, and the next step.

use leptos::prelude::*;
use marketplace::fault::{Code, Shortfall};

use super::Icon;
use crate::error::AppError;

/// A failure of a page or a form.
#[component]
pub fn FaultNotice(#[prop(into)] fault: AppError) -> impl IntoView {
    let AppError(fault) = fault;
    let wait = fault.retry_after_seconds.map(|seconds| format!(" Try again in {seconds} s."));
    view! {
        <div class="notice bad" role="alert">
            <Icon name="circle-alert" />
            <div class="stack">
                <p>{fault.message}{wait}</p>
                {fault.shortfall.map(|shortfall| view! { <ShortfallLine shortfall=*shortfall /> }.into_any())}
                {next_step(fault.code).map(|(href, label)| view! { <p><a class="button" href=href>{label}</a></p> }.into_any())}
            </div>
        </div>
    }
}

#[component]
fn ShortfallLine(shortfall: Shortfall) -> impl IntoView {
    view! {
        <p>
            "Needed: "<span class="num">{shortfall.required_nanos.cost()}</span>
            ", available: "<span class="num">{shortfall.available_nanos.balance()}</span>
            ". Nothing was charged."
        </p>
    }
}

fn next_step(code: Code) -> Option<(&'static str, &'static str)> {
    match code {
        Code::Unauthenticated => Some(("/sign-in", "Sign in")),
        Code::PaymentRequired => Some(("/billing", "Top up")),
        Code::NotFound => Some(("/models", "Browse models")),
        _ => None,
    }
}
