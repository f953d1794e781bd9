//! Forms that post to a door: plain without scripts; with them the page stays, and hears how it went.

use leptos::prelude::*;
use leptos::server::ServerActionError;
use leptos::server_fn::ServerFn;
use leptos::server_fn::error::ServerFnUrlError;
use leptos::task::spawn_local;
use leptos::web_sys::SubmitEvent;

use super::{Answer, post};
use crate::browser;
use crate::error::AppError;

/// What was posted to a door, and what it said.
#[derive(Clone, Copy, Debug)]
pub struct Submission {
    url: &'static str,
    answer: RwSignal<Option<Answer>>,
    pending: RwSignal<bool>,
    version: RwSignal<usize>,
}

impl Submission {
    pub fn to<D: ServerFn<Error = AppError>>() -> Self {
        Self::at(D::PATH)
    }

    fn at(url: &'static str) -> Self {
        // A form posted without scripts is answered in the address of the next page.
        let refusal = use_context::<ServerActionError>().filter(|error| error.path() == url);
        let refusal =
            refusal.map(|error| Answer::refusal(&ServerFnUrlError::<AppError>::decode_err(error.err())));
        Self { url, answer: RwSignal::new(refusal), pending: RwSignal::new(false), version: RwSignal::new(0) }
    }

    /// Why the door refused, if it did.
    pub fn fault(self) -> Option<AppError> {
        self.answer.with(|answer| answer.as_ref().filter(|answer| answer.is_refusal()).map(Answer::fault))
    }

    pub fn is_pending(self) -> bool {
        self.pending.get()
    }

    /// How many answers came.
    pub fn version(self) -> usize {
        self.version.get()
    }

    fn submit(self, event: &SubmitEvent) {
        let Some(body) = browser::fields(event) else { return };
        event.prevent_default();
        self.pending.set(true);
        spawn_local(async move {
            let answer = post(self.url, "application/x-www-form-urlencoded", body).await;
            // The page may be gone by now.
            self.answer.try_set(Some(answer));
            self.pending.try_set(false);
            self.version.try_update(|version| *version += 1);
        });
    }
}

#[component]
pub fn DoorForm(
    to: Submission,
    #[prop(optional)] class: Option<&'static str>,
    #[prop(optional)] label: Option<&'static str>,
    children: Children,
) -> impl IntoView {
    let submit = move |event: SubmitEvent| to.submit(&event);
    view! {
        <form action=to.url method="post" class=class aria-label=label on:submit=submit>
            {children()}
        </form>
    }
}
