//! A list that grows and shrinks at its end only.

use std::sync::Arc;

use leptos::prelude::*;

/// Draws each item once, when it comes.
#[component]
pub fn Growing(
    count: Signal<usize>,
    item: impl Fn(usize) -> AnyView + Send + Sync + 'static,
) -> impl IntoView {
    growing(count, Arc::new(item))
}

/// Apart, so that it is compiled once and not for every list.
fn growing(count: Signal<usize>, item: Arc<dyn Fn(usize) -> AnyView + Send + Sync>) -> AnyView {
    view! { <For each=move || 0..count.get() key=|at| *at children=move |at| item(at) /> }.into_any()
}
