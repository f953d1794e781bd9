//! The socket of a connection, which counts what comes and is reset when its reader takes nothing for too long.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use engine::Outlet;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tracing::debug;

/// How often something has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard(Arc<AtomicU64>);

#[derive(Debug)]
pub(super) struct Line {
    stream: TcpStream,
    heard: Heard,
    outlet: Arc<Outlet>,
    patience: Duration,
    /// Set while something waits to be taken.
    given_up: Option<Pin<Box<Sleep>>>,
}

impl Heard {
    pub fn count(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Line {
    pub fn new(stream: TcpStream, patience: Duration, heard: Heard, outlet: Arc<Outlet>) -> Self {
        Self { stream, heard, outlet, patience, given_up: None }
    }

    /// Passes on what came of a write. Only if nothing could be written for the whole time is it an error.
    fn in_time(&mut self, wrote: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if wrote.is_ready() {
            self.given_up = None;
            return wrote;
        }
        let patience = self.patience;
        let given_up = self.given_up.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(given_up.as_mut().poll(cx));
        // What the system still holds for somebody who does not read would stay there for minutes.
        if let Err(cause) = self.stream.set_zero_linger() {
            debug!(%cause, "a connection could not be reset");
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "nothing was read for too long")))
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, into))?;
        if into.filled().len() > before {
            self.heard.0.fetch_add(1, Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.in_time(wrote, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.in_time(wrote, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Comes after everything was written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outlet.clear();
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
