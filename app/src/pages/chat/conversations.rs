//! The left column: earlier conversations and what each has cost.

use leptos::prelude::*;
use leptos_router::components::A;
use marketplace::live::Conversation;

use crate::components::{Awaited, Icon};
use crate::door::Asked;

/// On small screens a sheet that opens over the page, without any script.
#[component]
pub fn Conversations(conversations: Asked<Vec<Conversation>>) -> impl IntoView {
    let list = move || async move {
        match conversations.read().await {
            Ok(found) if !found.is_empty() => view! { <List found /> }.into_any(),
            _ => {
                view! { <p class="soft small">"Your conversations will stand here, each with what it cost."</p> }
                    .into_any()
            }
        }
    };
    view! {
        <aside id="conversations" class="chat-side" popover="auto" aria-label="Conversations">
            <a class="button primary" href="/chat"><Icon name="plus" />"New chat"</a>
            <Awaited content=list />
        </aside>
    }
}

#[component]
fn List(found: Vec<Conversation>) -> impl IntoView {
    let rows = found
        .into_iter()
        .map(|conversation| {
            view! {
                <li>
                    <A href=format!("/chat/{}", conversation.id) attr:class="chat-link">
                        <span class="chat-link-title">{conversation.title}</span>
                        <span class="num">{conversation.spent_nanos.cost()}</span>
                    </A>
                </li>
            }
            .into_any()
        })
        .collect_view();
    view! { <ul class="chat-list">{rows}</ul> }
}
