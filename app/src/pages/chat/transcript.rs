//! The middle: everything said so far, the answer being written, and what went wrong.

use leptos::prelude::*;
use marketplace::id::ModelId;
use marketplace::live::{Author, Turn};
use marketplace::model::publisher_name;
use marketplace::money::group;

use super::answer::Stage;
use super::thread::Thread;
use crate::components::{CopyButton, FaultNotice, Growing, Icon, Markdown, Tile};
use crate::error::AppError;

#[component]
pub fn Transcribed(thread: Thread, title: Option<String>) -> impl IntoView {
    let said = move |at: usize| {
        let turn = thread.turns.with_untracked(|turns| turns.get(at).cloned());
        turn.map(|turn| view! { <Said thread at turn /> }.into_any()).into_any()
    };
    view! {
        <div
            class="chat-scroll"
            role="region"
            aria-label="Transcript"
            tabindex="0"
            node_ref=thread.scroller
            on:scroll=move |_| thread.scrolled()
        >
            <Opening thread title />
            <Growing count=Signal::derive(move || thread.turns.with(Vec::len)) item=said />
            <BeingWritten thread />
            <Trouble thread />
        </div>
    }
}

#[component]
fn Opening(thread: Thread, title: Option<String>) -> impl IntoView {
    match title {
        Some(title) => view! { <h1 class="chat-title">{title}</h1> }.into_any(),
        None => view! {
            <div class="chat-welcome" class:begun=move || thread.turns.with(|turns| !turns.is_empty())>
                <h1>"Ask any model"</h1>
                <p class="soft">
                    "You see the price before you send, watch it while the answer is written, and get a receipt that adds up."
                </p>
            </div>
        }
        .into_any(),
    }
}

#[component]
fn Said(thread: Thread, at: usize, turn: Turn) -> impl IntoView {
    match turn.author {
        Author::User => view! {
            <div class="turn mine">
                <h2 class="visually-hidden">"You"</h2>
                <p>{turn.text}</p>
            </div>
        }
        .into_any(),
        Author::Assistant => view! {
            <article class="turn">
                <AuthorLine thread model=turn.model.clone() />
                <Markdown text=turn.text.clone() />
                <Foot thread at turn />
            </article>
        }
        .into_any(),
    }
}

#[component]
fn AuthorLine(thread: Thread, #[prop(into)] model: Option<ModelId>) -> impl IntoView {
    let maker = model.as_ref().map(|id| publisher_name(id.author())).unwrap_or_default();
    let name = model.map_or_else(|| "Answer".to_owned(), |id| thread.order.name_of(&id));
    view! { <h2 class="turn-author"><Tile name=maker />{name}</h2> }
}

/// The quiet line under an answer.
#[component]
fn Foot(thread: Thread, at: usize, turn: Turn) -> impl IntoView {
    let tokens = turn.output_tokens.map(|tokens| format!("{} tokens", group(tokens)));
    let receipt = turn.call_id.map(|id| view! { <a href=format!("/receipts/{id}")>"Receipt"</a> }.into_any());
    let remark = turn.finish.as_deref().and_then(remark);
    let is_last = Memo::new(move |_| thread.turns.with(Vec::len) == at + 1);
    view! {
        <footer class="turn-foot">
            {remark.map(|remark| view! { <span>{remark}</span> }.into_any())}
            {tokens.map(|tokens| view! { <span class="num">{tokens}</span> }.into_any())}
            {turn.charge_nanos.map(|charge| view! { <span class="num">{charge.cost()}</span> }.into_any())}
            {receipt}
            <CopyButton text=turn.text />
            {move || is_last.get().then(|| view! { <AgainButton thread quiet=true /> }.into_any())}
        </footer>
    }
}

#[component]
fn AgainButton(thread: Thread, #[prop(optional)] quiet: bool) -> impl IntoView {
    let class = if quiet { "button quiet scripted" } else { "button scripted" };
    view! {
        <button type="button" class=class on:click=move |_| thread.try_again()>
            <Icon name="refresh-cw" />"Try again"
        </button>
    }
}

fn remark(finish: &str) -> Option<&'static str> {
    match finish {
        "length" => Some("Cut at the longest answer allowed"),
        "content_filter" => Some("Cut by the provider's filter"),
        "error" => Some("Broken off"),
        "stopped" | "cancelled" | "aborted" => Some("Stopped"),
        _ => None,
    }
}

#[component]
fn BeingWritten(thread: Thread) -> impl IntoView {
    let stage = Memo::new(move |_| thread.answer.with(|answer| answer.stage));
    let shown = move || match stage.get() {
        Stage::Sent => {
            view! { <p class="turn soft" role="status">"Sent. Waiting for the model…"</p> }.into_any()
        }
        Stage::Recovering => {
            view! { <p class="turn soft" role="status">"Looking for the rest of the answer…"</p> }.into_any()
        }
        Stage::Running => view! { <Running thread /> }.into_any(),
        Stage::None | Stage::Over => ().into_any(),
    };
    view! { {move || shown()} }
}

#[component]
fn Running(thread: Thread) -> impl IntoView {
    let text = Signal::derive(move || thread.answer.with(|answer| answer.text.clone()));
    let thinks = Memo::new(move |_| thread.answer.with(|answer| !answer.reasoning.is_empty()));
    let model = thread.answer.with_untracked(|answer| answer.model.clone());
    view! {
        <article class="turn running" aria-busy="true">
            <AuthorLine thread model />
            {move || thinks.get().then(|| view! {
                <details class="reasoning">
                    <summary>"Thinking"</summary>
                    <p>{move || thread.answer.with(|answer| answer.reasoning.clone())}</p>
                </details>
            }.into_any())}
            <Markdown text />
        </article>
    }
}

#[component]
fn Trouble(thread: Thread) -> impl IntoView {
    let fault = move || thread.trouble.get().map(AppError);
    let can_retry = Memo::new(move |_| {
        thread.turns.with(|turns| turns.last().is_some_and(|turn| turn.author == Author::User))
            && !thread.answer.with(super::answer::Answer::is_in_flight)
    });
    view! {
        <div class="turn chat-trouble">
            {move || fault().map(|fault| view! { <FaultNotice fault /> }.into_any())}
            {move || can_retry.get().then(|| view! { <AgainButton thread /> }.into_any())}
        </div>
    }
}
