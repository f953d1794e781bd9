//! Content that has to be waited for.

use std::pin::Pin;

use leptos::children::ViewFnOnce;
use leptos::prelude::*;

use super::Waiting;

type Content = Box<dyn Fn() -> Pin<Box<dyn Future<Output = AnyView> + Send>> + Send + Sync>;

/// Shows what is fetched until it is there. While it is fetched anew, what was there stays.
#[component]
pub fn Awaited<F: Future<Output = AnyView> + Send + 'static>(
    /// What is fetched, in words. Without them nothing is said.
    #[prop(optional)]
    what: Option<&'static str>,
    content: impl Fn() -> F + Send + Sync + 'static,
) -> impl IntoView {
    awaited(what, Box::new(move || Box::pin(content())))
}

/// Apart, so that it is compiled once and not for every content.
fn awaited(what: Option<&'static str>, content: Content) -> AnyView {
    let waiting = ViewFnOnce::from(move || what.map(|what| view! { <Waiting what /> }.into_any()));
    view! { <Transition fallback=waiting>{move || Suspend::new(content())}</Transition> }.into_any()
}
