//! `GET /api/v1/chat/live`: the page's channel. It carries news; the answer itself belongs to a task that outlives it.

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use engine::{Actor, Engine};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, header};
use marketplace::fault::{Code, Fault};
use marketplace::id::ConversationId;
use marketplace::live::{FromPage, News, ToPage};
use tokio::sync::mpsc;

use crate::api::ApiError;
use crate::auth::Asking;

const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
const NEWS_WAITING_MAX: usize = 64;

pub async fn connect(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, ApiError> {
    // A cookie is sent by any page that opens a socket; only our own pages may.
    if !is_same_origin(&headers) {
        return Err(Fault::new(Code::PermissionDenied, "This channel is for pages of this site").into());
    }
    actor.account()?;
    let upgrade = upgrade.max_message_size(MESSAGE_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| converse(engine, actor, socket)).into_response())
}

/// Programs send no `Origin`; a browser's must be ours.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    match text(header::ORIGIN) {
        None => true,
        Some(origin) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == text(header::HOST)
        }
    }
}

async fn converse(engine: Engine, actor: Actor, socket: WebSocket) {
    let (to_page, from_page) = socket.split();
    let (news, waiting) = mpsc::channel(NEWS_WAITING_MAX);
    tokio::select! {
        () = listen(engine, actor, from_page, news) => {}
        () = tell(to_page, waiting) => {}
    }
}

async fn tell(mut to_page: SplitSink<WebSocket, Message>, mut waiting: mpsc::Receiver<ToPage>) {
    while let Some(message) = waiting.recv().await {
        let Ok(text) = serde_json::to_string(&message) else { continue };
        if to_page.send(Message::text(text)).await.is_err() {
            return;
        }
    }
}

async fn listen(
    engine: Engine,
    actor: Actor,
    mut from_page: SplitStream<WebSocket>,
    news: mpsc::Sender<ToPage>,
) {
    while let Some(Ok(message)) = from_page.next().await {
        let Message::Text(text) = message else { continue };
        let told = match serde_json::from_str(&text) {
            Ok(message) => act(&engine, &actor, message, &news).await,
            Err(error) => {
                Err((None, Fault::new(Code::InvalidRequest, format!("This message cannot be read: {error}"))))
            }
        };
        if let Err((conversation_id, fault)) = told {
            let error = ToPage { seq: 0, conversation_id, news: News::Error { fault } };
            if news.send(error).await.is_err() {
                return;
            }
        }
    }
}

async fn act(
    engine: &Engine,
    actor: &Actor,
    message: FromPage,
    news: &mpsc::Sender<ToPage>,
) -> Result<(), (Option<ConversationId>, Fault)> {
    match message {
        FromPage::Send(prompt) => {
            let within = prompt.conversation_id;
            let id = engine.say(actor, prompt).await.map_err(|error| (within, error.into()))?;
            follow(engine, actor, id, 0, news).map_err(|fault| (Some(id), fault))
        }
        FromPage::Stop { conversation_id } => {
            engine.stop(actor, conversation_id).map_err(|error| (Some(conversation_id), error.into()))
        }
        FromPage::Resume { conversation_id, last_seq } => {
            follow(engine, actor, conversation_id, last_seq, news)
                .map_err(|fault| (Some(conversation_id), fault))
        }
    }
}

/// Reads an answer's news beside the channel, so that a stop can still be heard.
fn follow(
    engine: &Engine,
    actor: &Actor,
    id: ConversationId,
    last_seq: u64,
    news: &mpsc::Sender<ToPage>,
) -> Result<(), Fault> {
    let mut following = engine.follow(actor, id, last_seq)?;
    let news = news.clone();
    tokio::spawn(async move {
        while let Some(message) = following.next().await {
            if news.send(message).await.is_err() {
                return;
            }
        }
    });
    Ok(())
}
