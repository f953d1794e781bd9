//! The middle: everything said so far, the answer being written, and what went wrong.

use leptos::prelude::*;
use marketplace::id::ModelId;
use marketplace::live::{Author, Turn};
use marketplace::model::publisher_name;
use marketplace::money::group;

use super::answer::Stage;
use super::thread::Thread;
use crate::components::{CopyButton, FaultNotice, Icon, Markdown, Tile};
use crate::error::AppError;

#[component]
pub fn Transcribed(thread: Thread, title: Option<String>) -> impl IntoView {
    let turns = move || thread.turns.get().into_iter().enumerate();
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
            <For each=turns key=|(at, _)| *at children=move |(at, turn)| view! { <Said thread at turn /> } />
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
    let receipt = turn.call_id.map(|id| view! { <a href=format!("/receipts/{id}")>"Receipt"</a> });
    let remark = turn.finish.as_deref().and_then(remark);
    let is_last = Memo::new(move |_| thread.turns.with(Vec::len) == at + 1);
    view! {
        <footer class="turn-foot">
            {remark.map(|remark| view! { <span>{remark}</span> })}
            {tokens.map(|tokens| view! { <span class="num">{tokens}</span> })}
            {turn.charge_nanos.map(|charge| view! { <span class="num">{charge.cost()}</span> })}
            {receipt}
            <CopyButton text=turn.text />
            <Show when=move || is_last.get()>
                <button type="button" class="button quiet scripted" on:click=move |_| thread.try_again()>
                    <Icon name="refresh-cw" />"Try again"
                </button>
            </Show>
        </footer>
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
    move || match stage.get() {
        Stage::Sent => {
            view! { <p class="turn soft" role="status">"Sent. Waiting for the model…"</p> }.into_any()
        }
        Stage::Recovering => {
            view! { <p class="turn soft" role="status">"Looking for the rest of the answer…"</p> }.into_any()
        }
        Stage::Running => view! { <Running thread /> }.into_any(),
        Stage::None | Stage::Over => ().into_any(),
    }
}

#[component]
fn Running(thread: Thread) -> impl IntoView {
    let text = Signal::derive(move || thread.answer.with(|answer| answer.text.clone()));
    let reasoning = Signal::derive(move || thread.answer.with(|answer| answer.reasoning.clone()));
    let thinks = Memo::new(move |_| thread.answer.with(|answer| !answer.reasoning.is_empty()));
    let model = thread.answer.with_untracked(|answer| answer.model.clone());
    view! {
        <article class="turn running" aria-busy="true">
            <AuthorLine thread model />
            <Show when=move || thinks.get()>
                <details class="reasoning">
                    <summary>"Thinking"</summary>
                    <p>{reasoning}</p>
                </details>
            </Show>
            <Markdown text />
        </article>
    }
}

#[component]
fn Trouble(thread: Thread) -> impl IntoView {
    let fault = move || thread.trouble.get().map(AppError);
    let can_retry = move || {
        thread.turns.with(|turns| turns.last().is_some_and(|turn| turn.author == Author::User))
            && !thread.answer.with(super::answer::Answer::is_in_flight)
    };
    view! {
        <div class="turn chat-trouble">
            {move || fault().map(|fault| view! { <FaultNotice fault /> })}
            <Show when=can_retry>
                <button type="button" class="button scripted" on:click=move |_| thread.try_again()>
                    <Icon name="refresh-cw" />"Try again"
                </button>
            </Show>
        </div>
    }
}
