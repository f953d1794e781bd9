//! Who is looking and what they have to spend, read once for the frame and every page in it.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use marketplace::money::Nanos;

use crate::api::auth::{ReadVisit, SignOut, Visit};
use crate::door::{Asked, Submission};

/// Everything in here is read anew whenever the path changes, so signing in and paying show at once.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    pub visit: Asked<Visit>,
    /// What the chat channel last said; newer than the balance of the visit while an answer is being written.
    pub live_available: RwSignal<Option<Nanos>>,
    pub sign_out: Submission,
}

impl Session {
    pub fn provide() -> Self {
        let path = use_location().pathname;
        let sign_out = Submission::to::<SignOut>();
        let visit = Asked::new(move || (path.get(), sign_out.version()), |_| ReadVisit {});
        let session = Self { visit, live_available: RwSignal::new(None), sign_out };
        Effect::new(move || {
            visit.track();
            session.live_available.set(None);
        });
        provide_context(session);
        session
    }
}
