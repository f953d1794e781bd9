//! The WebSocket to the chat: what is sent waits until it is open, and a lost connection is made again.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::{SinkExt, StreamExt};
use gloo_net::websocket::futures::WebSocket;
use gloo_net::websocket::{Message, State};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::window;
use leptos::task::spawn_local;
use marketplace::live::{FromPage, ToPage};

use crate::json;

const WAIT_MS_MIN: u32 = 500;
const WAIT_MS_MAX: u32 = 8_000;

/// What a channel tells its owner.
#[derive(Debug)]
pub enum Heard {
    /// Open, for the first time or again.
    Connected,
    Lost,
    News(ToPage),
}

/// Lives as long as its owner keeps it. May be dropped on any thread, as the server does with whatever a page holds.
#[derive(Debug)]
pub struct LiveChannel(Arc<Mutex<Outbox>>);

#[derive(Debug, Default)]
struct Outbox {
    waiting: VecDeque<FromPage>,
    waker: Option<Waker>,
    closed: bool,
}

enum Happened {
    Closed,
    Received(Message),
    ToSend(FromPage),
}

impl LiveChannel {
    pub fn open(hear: impl Fn(Heard) + 'static) -> Self {
        let outbox = Arc::new(Mutex::new(Outbox::default()));
        spawn_local(keep_connected(Arc::clone(&outbox), hear));
        Self(outbox)
    }

    pub fn send(&self, message: FromPage) {
        let mut outbox = lock(&self.0);
        outbox.waiting.push_back(message);
        outbox.wake();
    }

    /// Whether something was not yet handed to the server.
    pub fn is_waiting(&self) -> bool {
        !lock(&self.0).waiting.is_empty()
    }
}

impl Drop for LiveChannel {
    fn drop(&mut self) {
        let mut outbox = lock(&self.0);
        outbox.closed = true;
        outbox.wake();
    }
}

impl Outbox {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

fn lock(outbox: &Mutex<Outbox>) -> MutexGuard<'_, Outbox> {
    outbox.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn keep_connected(outbox: Arc<Mutex<Outbox>>, hear: impl Fn(Heard)) {
    let mut wait_ms = WAIT_MS_MIN;
    while !lock(&outbox).closed {
        if let Some(socket) = connect().await {
            wait_ms = WAIT_MS_MIN;
            converse(socket, &outbox, &hear).await;
        }
        if lock(&outbox).closed {
            break;
        }
        hear(Heard::Lost);
        TimeoutFuture::new(wait_ms).await;
        wait_ms = (wait_ms * 2).min(WAIT_MS_MAX);
    }
}

async fn connect() -> Option<WebSocket> {
    let location = window().location();
    let scheme = if location.protocol().ok()? == "https:" { "wss" } else { "ws" };
    let mut socket =
        WebSocket::open(&format!("{scheme}://{}/api/v1/chat/live", location.host().ok()?)).ok()?;
    poll_fn(|context| socket.poll_ready_unpin(context)).await.ok()?;
    matches!(socket.state(), State::Open).then_some(socket)
}

/// Carries messages both ways until the connection or its owner is gone.
async fn converse(mut socket: WebSocket, outbox: &Mutex<Outbox>, hear: &impl Fn(Heard)) {
    if lock(outbox).closed {
        return;
    }
    hear(Heard::Connected);
    loop {
        match poll_fn(|context| next(&mut socket, outbox, context)).await {
            Happened::Closed => return,
            Happened::Received(Message::Text(text)) => {
                if let Ok(news) = json::read(&text) {
                    hear(Heard::News(news));
                }
            }
            Happened::Received(Message::Bytes(_)) => {}
            Happened::ToSend(message) => {
                let Ok(text) = serde_json::to_string(&message) else { continue };
                // A socket about to close swallows what it is given, so the message stays for the next one.
                let is_open = matches!(socket.state(), State::Open);
                if !is_open || socket.send(Message::Text(text)).await.is_err() {
                    lock(outbox).waiting.push_front(message);
                    return;
                }
            }
        }
    }
}

fn next(socket: &mut WebSocket, outbox: &Mutex<Outbox>, context: &mut Context<'_>) -> Poll<Happened> {
    let mut outbox = lock(outbox);
    if outbox.closed {
        return Poll::Ready(Happened::Closed);
    }
    match socket.poll_next_unpin(context) {
        Poll::Ready(Some(Ok(message))) => return Poll::Ready(Happened::Received(message)),
        Poll::Ready(_) => return Poll::Ready(Happened::Closed),
        Poll::Pending => {}
    }
    match outbox.waiting.pop_front() {
        Some(message) => Poll::Ready(Happened::ToSend(message)),
        None => {
            outbox.waker = Some(context.waker().clone());
            Poll::Pending
        }
    }
}
