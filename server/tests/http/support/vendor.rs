//! A vendor that says the same bytes to everybody and counts how often it was asked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub struct Vendor {
    pub addr: SocketAddr,
    asked: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl Vendor {
    pub async fn saying(content_type: &'static str, body: String) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let (addr, asked) = (listener.local_addr().unwrap(), Arc::<AtomicUsize>::default());
        let counter = asked.clone();
        let router = Router::new().fallback(move || {
            counter.fetch_add(1, SeqCst);
            let answer = body.clone();
            async move { ([("content-type", content_type)], answer) }
        });
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { addr, asked, server }
    }

    pub fn times_asked(&self) -> usize {
        self.asked.load(SeqCst)
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        self.server.abort();
    }
}
