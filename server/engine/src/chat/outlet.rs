//! The connection that an answer leaves by, as far as it tells what is still in this server's hands.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::sync::Notify;

use super::meter::Meter;

/// One connection. What it could not give to the system yet would die with this server, and was not delivered.
#[derive(Debug, Default)]
pub struct Outlet {
    is_blocked: AtomicBool,
    cleared: Notify,
}

impl Outlet {
    /// Something was given to it.
    pub fn block(&self) {
        self.is_blocked.store(true, Relaxed);
    }

    /// All that was written is with the system.
    pub fn clear(&self) {
        if self.is_blocked.swap(false, Relaxed) {
            self.cleared.notify_waiters();
        }
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.is_blocked.load(Relaxed)
    }

    pub(super) async fn until_clear(&self) {
        loop {
            let mut cleared = pin!(self.cleared.notified());
            // Heard from here on, so that nothing is missed between looking and waiting.
            cleared.as_mut().enable();
            if !self.is_blocked() {
                return;
            }
            cleared.await;
        }
    }

    /// Waits until it is cleared once more.
    pub(super) async fn cleared(&self) {
        self.cleared.notified().await;
    }
}

/// A call whose answer has yet to find its connection; travels with the response.
#[derive(Clone, Debug)]
pub struct Parcel(pub(super) Arc<Meter>);

impl Parcel {
    pub fn leaves_by(&self, outlet: Arc<Outlet>) {
        self.0.leave_by(outlet);
    }
}
