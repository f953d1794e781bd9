//! A buyer's API keys: make one, see it this once, watch its limit, revoke it.

mod create;
mod list;

use leptos::prelude::*;
use leptos_meta::Title;

use self::create::{CreateForm, MadeNotice, Usage};
use self::list::KeyList;
use super::sign_in::Refusal;
use crate::api::keys::{CreateKey, ListKeys, RevokeKey, TakeMadeKey};
use crate::components::Awaited;
use crate::door::{Asked, Submission};

#[component]
pub fn KeysPage() -> impl IntoView {
    let create = Submission::to::<CreateKey>();
    let revoke = Submission::to::<RevokeKey>();
    let keys = Asked::new(move || (create.version(), revoke.version()), |_| ListKeys {});
    // Read again after each new key, so that what scripts have shown is not shown once more by the next page.
    let made = Asked::new(move || create.version(), |_| TakeMadeKey {});
    let notice = move || async move {
        let taken = made.read().await.ok().flatten();
        create.given::<CreateKey>().or(taken).map(|made| view! { <MadeNotice made /> }.into_any()).into_any()
    };
    let content = move || async move {
        match keys.read().await {
            Ok(keys) => view! { <CreateForm create /><KeyList keys revoke /> }.into_any(),
            Err(fault) => view! { <Refusal fault /> }.into_any(),
        }
    };
    view! {
        <Title text="API keys" />
        <div class="page keys">
            <div class="page-head">
                <h1>"API keys"</h1>
                <p class="soft">"For your own programs: any OpenAI client works, with another base address and one of these."</p>
            </div>
            <div role="status"><Awaited content=notice /></div>
            <Awaited what="your keys" content />
            <Usage />
        </div>
    }
}
