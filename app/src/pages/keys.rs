//! A buyer's API keys: make one, see it this once, watch its limit, revoke it.

mod create;
mod list;

use leptos::prelude::*;
use leptos_meta::Title;

use self::create::{CreateForm, MadeNotice, Usage};
use self::list::KeyList;
use super::sign_in::Refusal;
use crate::api::keys::{CreateKey, RevokeKey, list_keys, take_made_key};
use crate::components::Waiting;

#[component]
pub fn KeysPage() -> impl IntoView {
    let create = ServerAction::<CreateKey>::new();
    let revoke = ServerAction::<RevokeKey>::new();
    let keys = Resource::new(move || (create.version().get(), revoke.version().get()), |_| list_keys());
    // Read again after each new key, so that what scripts have shown is not shown once more by the next page.
    let made = Resource::new(move || create.version().get(), |_| take_made_key());
    let notice = move || {
        Suspend::new(async move {
            let taken = made.await.ok().flatten();
            let made = create.value().get().and_then(Result::ok).or(taken)?;
            Some(view! { <MadeNotice made /> })
        })
    };
    let content = move || {
        Suspend::new(async move {
            match keys.await {
                Ok(keys) => view! { <CreateForm create /><KeyList keys revoke /> }.into_any(),
                Err(fault) => view! { <Refusal fault /> }.into_any(),
            }
        })
    };
    view! {
        <Title text="API keys" />
        <div class="page keys">
            <div class="page-head">
                <h1>"API keys"</h1>
                <p class="soft">"For your own programs: any OpenAI client works, with another base address and one of these."</p>
            </div>
            <div role="status"><Transition fallback=|| ()>{notice}</Transition></div>
            <Transition fallback=|| view! { <Waiting what="your keys" /> }>{content}</Transition>
            <Usage />
        </div>
    }
}
