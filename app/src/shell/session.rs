//! Who is looking and what they have to spend, read once for the frame and every page in it.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use marketplace::account::User;
use marketplace::billing::Balance;
use marketplace::money::Nanos;

use crate::api::auth::{SignOut, read_user};
use crate::api::billing::read_balance;
use crate::error::AppError;

/// Everything in here is read anew whenever the path changes, so signing in and paying show at once.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "server actions have none either")]
pub struct Session {
    pub user: Resource<Result<Option<User>, AppError>>,
    /// `None` for somebody who has not signed in.
    pub balance: Resource<Result<Option<Balance>, AppError>>,
    /// What the chat channel last said; newer than `balance` while an answer is being written.
    pub live_available: RwSignal<Option<Nanos>>,
    pub sign_out: ServerAction<SignOut>,
}

impl Session {
    pub fn provide() -> Self {
        let path = use_location().pathname;
        let sign_out = ServerAction::<SignOut>::new();
        let user = Resource::new(move || (path.get(), sign_out.version().get()), |_| read_user());
        let balance = Resource::new(
            move || (path.get(), sign_out.version().get()),
            // Asked anew: `user` may still hold who was here before the path changed.
            |_| async {
                match read_user().await? {
                    Some(_) => read_balance().await.map(Some),
                    None => Ok(None),
                }
            },
        );
        let session = Self { user, balance, live_available: RwSignal::new(None), sign_out };
        Effect::new(move || {
            balance.track();
            session.live_available.set(None);
        });
        provide_context(session);
        session
    }
}
