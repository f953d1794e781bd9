//! The chat: conversations left, what is said in the middle, model and money right.

mod answer;
mod composer;
mod conversations;
mod inspector;
mod model_picker;
mod order;
mod thread;
mod transcript;
mod view;

use leptos::ev;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_params_map, use_query_map};
use marketplace::id::ConversationId;
use marketplace::live::{Conversation, Transcript};

use self::composer::Composer;
use self::conversations::Conversations;
use self::inspector::Inspector;
use self::order::Order;
use self::thread::Thread;
use self::transcript::Transcribed;
use self::view::View;
use super::sign_in::Refusal;
use crate::api::auth::{ReadVisit, Visit};
use crate::api::chat::{ChatModel, ListChatModels, ListConversations, ReadTranscript};
use crate::browser::is_sheet_open;
use crate::components::{Awaited, FaultNotice};
use crate::door::Asked;
use crate::shell::Session;

#[component]
pub fn ChatPage() -> impl IntoView {
    let (view, born) = opened_view();
    let visit = Asked::once(ReadVisit {});
    let models = Asked::once(ListChatModels {});
    let conversations = Asked::once(ListConversations {});
    let transcript = Asked::when(move || view.get(), |view| view.id.map(|id| ReadTranscript { id }));
    let desk = move || async move {
        let is_signed_in = visit.read().await.is_ok_and(|visit| visit.user.is_some());
        let (models, transcript) = match (models.read().await, transcript.read().await) {
            (Ok(models), Ok(transcript)) => (models, transcript),
            (_, Err(error)) => {
                return view! { <div class="page"><Refusal fault=error /></div> }.into_any();
            }
            (Err(error), _) => {
                return view! { <div class="page"><FaultNotice fault=error /></div> }.into_any();
            }
        };
        let model = view.get_untracked().model;
        view! { <Desk is_signed_in models transcript model conversations born /> }.into_any()
    };
    view! {
        <Title text="Chat" />
        <div class="chat">
            <Conversations conversations />
            <Awaited what="the conversation" content=desk />
        </div>
    }
}

/// What the address asks for, and what to call when a new conversation got its own address.
fn opened_view() -> (Memo<View>, Callback<ConversationId>) {
    let params = use_params_map();
    let query = use_query_map();
    let navigate = use_navigate();
    let born = RwSignal::new(None::<String>);
    let view = Memo::new(move |before: Option<&View>| {
        let (id, model) = (params.read().get("conversation"), query.read().get("model"));
        View::next(before, id, model, born.get_untracked())
    });
    let tell = Callback::new(move |id: ConversationId| {
        born.set(Some(id.to_string()));
        let quietly = NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
        navigate(&format!("/chat/{id}"), quietly);
    });
    (view, tell)
}

/// One conversation and everything around it.
#[component]
fn Desk(
    is_signed_in: bool,
    models: Vec<ChatModel>,
    transcript: Option<Transcript>,
    model: Option<String>,
    conversations: Asked<Vec<Conversation>>,
    born: Callback<ConversationId>,
) -> impl IntoView {
    let title = transcript.as_ref().map(|transcript| transcript.conversation.title.clone());
    let turns = transcript.as_ref().map(|transcript| transcript.turns.as_slice()).unwrap_or_default();
    let order = Order::new(models, model, turns);
    let thread = Thread::new(transcript, order, conversations, born);
    let session = expect_context::<Session>();
    Effect::new(move || {
        if let Some(Ok(Visit { balance: Some(balance), .. })) = session.visit.last() {
            order.free_tokens.set(u64::try_from(balance.free_tokens_left).unwrap_or_default());
        }
    });
    Effect::new(move || {
        if is_signed_in {
            order.wake();
            thread.wake(session);
        }
    });
    Effect::new(move || {
        let escape = window_event_listener(ev::keydown, move |event| {
            if event.key() == "Escape" && !is_sheet_open() {
                thread.stop();
            }
        });
        on_cleanup(move || escape.remove());
    });
    on_cleanup(move || thread.sleep());
    view! {
        <section class="chat-desk" aria-label="Conversation">
            <Transcribed thread title />
            <Composer thread is_signed_in />
        </section>
        <Inspector thread />
    }
}
