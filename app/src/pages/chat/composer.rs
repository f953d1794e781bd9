//! Where a message is written and sent. It is a plain form; awake, it sends through the channel instead.

use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use marketplace::money::group;

use super::answer::Answer;
use super::model_picker::ModelPicker;
use super::order::Offer;
use super::thread::{Link, Thread};
use crate::api::chat::SendMessage;
use crate::components::{FaultNotice, Icon, Meter};
use crate::door::Submission;

#[component]
pub fn Composer(thread: Thread, is_signed_in: bool) -> impl IntoView {
    let send = move |event: SubmitEvent| {
        event.prevent_default();
        thread.send();
    };
    let state = Memo::new(move |_| thread.meter());
    let conversation = move || thread.id.get().map(|id| id.to_string()).unwrap_or_default();
    view! {
        <div class="chat-dock">
            {(!is_signed_in).then(|| view! { <SignInFirst /> }.into_any())}
            <PlainFault />
            <form id="composer" class="composer" method="post" action=SendMessage::url() on:submit=send>
                <Meter state />
                <fieldset class="composer-fields" disabled=!is_signed_in>
                    <legend class="visually-hidden">"Your message"</legend>
                    <input type="hidden" name="conversation" value=conversation />
                    <MessageField thread />
                    <div class="composer-row">
                        <ModelPicker order=thread.order />
                        <span class="chat-tools">
                            <button type="button" class="button quiet" popovertarget="conversations">
                                <Icon name="messages-square" /><span class="visually-hidden">"Conversations"</span>
                            </button>
                            <button type="button" class="button quiet" popovertarget="inspector">
                                <Icon name="sliders-horizontal" /><span class="visually-hidden">"Cost and settings"</span>
                            </button>
                        </span>
                        <Buttons thread />
                    </div>
                </fieldset>
            </form>
            <Hint thread />
        </div>
    }
}

#[component]
fn SignInFirst() -> impl IntoView {
    view! {
        <div class="notice" role="status">
            <Icon name="user" />
            <div class="stack">
                <p>"Answers are paid from your balance, so sign in before you ask. Prices are open to everybody."</p>
                <p class="cluster">
                    <a class="button primary" href="/sign-in?next=/chat">"Sign in"</a>
                    <a class="button" href="/sign-up?next=/chat">"Create account"</a>
                </p>
            </div>
        </div>
    }
}

/// What went wrong with a message that was posted as a plain form.
#[component]
fn PlainFault() -> impl IntoView {
    Submission::to::<SendMessage>().fault().map(|fault| view! { <FaultNotice fault /> }.into_any())
}

#[component]
fn MessageField(thread: Thread) -> impl IntoView {
    let order = thread.order;
    let send_on_enter = move |event: KeyboardEvent| {
        if event.key() == "Enter" && !event.shift_key() && !event.is_composing() {
            event.prevent_default();
            thread.send();
        }
    };
    let placeholder = move || {
        if thread.turns.with(Vec::is_empty) { "Ask anything" } else { "Ask a follow-up" }
    };
    view! {
        <label class="visually-hidden" for="message">"Message"</label>
        <textarea
            id="message"
            class="composer-text"
            name="text"
            rows="2"
            required
            placeholder=placeholder
            aria-describedby="composer-hint"
            node_ref=order.field
            on:input=move |event| order.read(event_target_value(&event))
            on:keydown=send_on_enter
        ></textarea>
    }
}

#[component]
fn Buttons(thread: Thread) -> impl IntoView {
    let in_flight = Memo::new(move |_| thread.answer.with(Answer::is_in_flight));
    let max = Memo::new(move |_| {
        offered(thread).map(|offer| match offer {
            Offer::Money(quote) => format!(" · ≤ {}", quote.max_nanos.cost()),
            Offer::Free { .. } => " · free".to_owned(),
        })
    });
    // Asleep, the button posts the form, so it must not be disabled.
    let idle = move || thread.order.is_awake() && !thread.can_send();
    view! {
        {move || in_flight.get().then(|| view! { <StopButton thread /> }.into_any())}
        <button type="submit" class="button primary send" disabled=idle>
            "Send"<span class="num">{move || max.get()}</span>
        </button>
    }
}

#[component]
fn StopButton(thread: Thread) -> impl IntoView {
    view! {
        <button
            type="button"
            class="button"
            aria-keyshortcuts="Escape"
            disabled=move || thread.id.get().is_none()
            on:click=move |_| thread.stop()
        >
            <Icon name="square" />"Stop"<span class="soft wide-only">" · billing ends with it"</span>
        </button>
    }
}

/// The price in full, or how the connection is, or which keys do what.
#[component]
fn Hint(thread: Thread) -> impl IntoView {
    let words = move || match (thread.link.get(), offered(thread)) {
        (Link::Reconnecting, _) => {
            "Connection lost. Reconnecting; what is being written goes on at the server.".to_owned()
        }
        (_, Some(Offer::Free { most, left, is_shortened })) => {
            let shortened = if is_shortened { " The answer is shortened to what is left." } else { "" };
            format!("Free · up to {} tokens, {} left this month.{shortened}", group(most), group(left))
        }
        (_, Some(Offer::Money(quote))) => format!(
            "At least {}, likely {}, never more than {}. You pay for what the answer really uses.",
            quote.min_nanos.cost(),
            quote.likely_nanos.cost(),
            quote.max_nanos.cost(),
        ),
        (_, None) => "Enter sends, Shift+Enter breaks the line, Esc stops.".to_owned(),
    };
    view! { <p id="composer-hint" class="composer-hint">{move || words()}</p> }
}

fn offered(thread: Thread) -> Option<Offer> {
    if thread.order.is_empty() { None } else { thread.turns.with(|turns| thread.order.offer(turns)) }
}
