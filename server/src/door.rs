//! Where connections come in, each set to send what it has at once.

use std::io;
use std::net::SocketAddr;

use axum::serve::{ListenerExt, TapIo};
use tokio::net::{TcpListener, TcpStream};
use tracing::warn;

/// A listener whose connections hold no small event back until the last one is acknowledged.
pub type Door = TapIo<TcpListener, fn(&mut TcpStream)>;

pub async fn open(address: SocketAddr) -> io::Result<Door> {
    Ok(TcpListener::bind(address).await?.tap_io(send_at_once))
}

fn send_at_once(connection: &mut TcpStream) {
    if let Err(cause) = connection.set_nodelay(true) {
        warn!(%cause, "a connection could not be set to send at once");
    }
}

#[cfg(test)]
mod tests {
    use axum::serve::Listener;

    use super::*;

    #[tokio::test]
    async fn what_comes_in_sends_at_once() {
        let mut door = open(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let coming = TcpStream::connect(door.local_addr().unwrap()).await.unwrap();
        let (accepted, from) = door.accept().await;
        assert_eq!(from, coming.local_addr().unwrap());
        assert!(accepted.nodelay().unwrap() && !coming.nodelay().unwrap());
    }
}
