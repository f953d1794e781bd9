//! A vendor that says the same bytes to everybody, counts how often it was asked and keeps what it was asked last.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use axum::Router;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub struct Vendor {
    pub addr: SocketAddr,
    asked: Arc<AtomicUsize>,
    heard: Arc<Mutex<String>>,
    server: JoinHandle<()>,
}

impl Vendor {
    pub async fn saying(content_type: &'static str, body: String) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let (addr, asked) = (listener.local_addr().unwrap(), Arc::<AtomicUsize>::default());
        let heard = Arc::<Mutex<String>>::default();
        let (counter, ear) = (asked.clone(), heard.clone());
        let router = Router::new().fallback(move |said: String| {
            counter.fetch_add(1, SeqCst);
            *ear.lock().unwrap() = said;
            let answer = body.clone();
            async move { ([("content-type", content_type)], answer) }
        });
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { addr, asked, heard, server }
    }

    pub fn times_asked(&self) -> usize {
        self.asked.load(SeqCst)
    }

    /// The body of the last request.
    pub fn heard(&self) -> Value {
        serde_json::from_str(&self.heard.lock().unwrap()).unwrap()
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        self.server.abort();
    }
}
