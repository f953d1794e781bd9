//! Where connections come in: each is set to send at once and to hold little, and is not waited for without an end.

mod connection;
mod head;
mod line;

use std::io;
use std::net::SocketAddr;
use std::num::{NonZeroU64, ParseIntError};
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use clap::Args;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

/// A connection holds no more than this that its reader has not been sent. What is under way counts as forwarded.
#[cfg(target_os = "linux")]
const UNSENT_BYTES_MAX: u32 = 16 << 10;

/// A listener, and how long it waits for those who come.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    patience: Patience,
}

/// How long we wait for callers.
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Seconds that the head of a request may take; a new connection begins one at once.
    #[arg(long = "head-seconds", global = true, env = "MERCATO_HEAD_SECONDS", default_value = "10", value_parser = seconds)]
    pub head: Duration,
    /// Seconds that the body of a request may take.
    #[arg(long = "body-seconds", global = true, env = "MERCATO_BODY_SECONDS", default_value = "15", value_parser = seconds)]
    pub body: Duration,
    /// Seconds until somebody who takes nothing of an answer is taken to have left.
    #[arg(long = "reader-seconds", global = true, env = "MERCATO_READER_SECONDS", default_value = "30", value_parser = seconds)]
    pub reader: Duration,
    /// Seconds that a connection may rest between two requests: longer than proxies and clients keep theirs, or they
    /// would send requests into connections that are just being closed.
    #[arg(long = "idle-seconds", global = true, env = "MERCATO_IDLE_SECONDS", default_value = "120", value_parser = seconds)]
    pub idle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_secs(15),
            reader: Duration::from_secs(30),
            idle: Duration::from_secs(120),
        }
    }
}

fn seconds(text: &str) -> Result<Duration, ParseIntError> {
    text.parse::<NonZeroU64>().map(|seconds| Duration::from_secs(seconds.get()))
}

impl Door {
    pub async fn open(address: SocketAddr, patience: Patience) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await?, patience })
    }

    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until it is told to stop, and then until the last answer that was begun is over.
    pub async fn serve(mut self, router: Router, stopping: CancellationToken) {
        let connections = TaskTracker::new();
        loop {
            let (stream, from) = tokio::select! {
                come = self.accept() => come,
                () = stopping.cancelled() => break,
            };
            let serving = connection::serve(stream, from, router.clone(), self.patience, stopping.clone());
            connections.spawn(serving);
        }
        // Nobody new is let in while the last ones finish.
        drop(self.listener);
        connections.close();
        connections.wait().await;
    }

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        let (stream, from) = Listener::accept(&mut self.listener).await;
        if let Err(cause) = prepare(&stream) {
            warn!(%cause, "a connection could not be set to send at once and hold little");
        }
        (stream, from)
    }
}

/// No small event waits for the last one to be acknowledged, and no large answer for a reader who does not read: what
/// the system took for a reader would be paid.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Settings {
        #[command(flatten)]
        patience: Patience,
    }

    #[test]
    fn who_sets_nothing_waits_as_long_as_who_cannot() {
        assert_eq!(Settings::parse_from(["mercato"]).patience, Patience::default());
        let set = |seconds: &str| Settings::try_parse_from(["mercato", "--reader-seconds", seconds]);
        assert_eq!(set("7").ok().unwrap().patience.reader, Duration::from_secs(7));
        assert!(set("0").is_err() && set("soon").is_err());
    }

    #[tokio::test]
    async fn what_comes_in_sends_at_once_and_holds_little() {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut door = Door::open(anywhere, Patience::default()).await.unwrap();
        let coming = TcpStream::connect(door.address().unwrap()).await.unwrap();
        let (accepted, from) = door.accept().await;
        assert_eq!(from, coming.local_addr().unwrap());
        assert!(accepted.nodelay().unwrap() && !coming.nodelay().unwrap());
        #[cfg(target_os = "linux")]
        assert_eq!(socket2::SockRef::from(&accepted).tcp_notsent_lowat().unwrap(), UNSENT_BYTES_MAX);
    }
}
