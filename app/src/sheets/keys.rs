//! API keys: the one look at a new secret, the form that makes a key, and what each key may and did.

mod form;
mod row;

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use marketplace::fault::Fault;
use marketplace::secret_key::ApiKey;

use self::form::{Fields, Labels, Prefill};
use self::row::KeyRow;
use super::code::first_program;
use super::draw;
use super::place::Place;
use crate::api::keys::{CreateKey, MadeKey};
use crate::api::sheets::Sheet;
use crate::components::{CopyButton, Drawing, Drawn, Empty, FaultNotice};
use crate::context::{origin, take_shown_once};
use crate::error::AppError;

pub async fn page(place: &Place<'_>) -> Sheet {
    let lead = || view! { <p class="soft">"For your own programs: any OpenAI client works, with another base address and one of these."</p> };
    let caller = &place.caller;
    let keys = caller.engine.list_keys(&caller.actor).await.map_err(AppError::from);
    let content = keys.map(|keys| {
        let (done, refusal) = place.outcome();
        sheet(keys, take_shown_once(caller), done, refusal, &origin())
    });
    place.page("API keys", "keys", lead, content)
}

fn sheet(
    keys: Vec<ApiKey>,
    made: Option<MadeKey>,
    done: Option<&str>,
    refusal: Option<Fault>,
    origin: &str,
) -> Drawn {
    // What was done stays in the address, also when the next form is refused.
    let said = done.filter(|_| refusal.is_none() && made.is_none()).and_then(said);
    draw(|| {
        view! {
            {refusal.map(|fault| view! { <FaultNotice fault /> })}
            {said.map(|said| view! { <div class="notice good" role="status"><p>{said}</p></div> })}
            {made.map(|made| view! { <MadeNotice made /> })}
            <CreateForm />
            <KeyList keys />
            <section class="stack" aria-labelledby="usage-heading">
                <h2 id="usage-heading">"Use it"</h2>
                <p class="soft">
                    "With the "<code>"openai"</code>" package for Python; other OpenAI clients take the same two settings."
                </p>
                <Drawing of=first_program(origin) />
            </section>
        }
    })
}

fn said(done: &str) -> Option<&'static str> {
    Some(match done {
        "changed" => "The key was changed. New calls find it as it is now.",
        "disabled" => "The key is disabled. Programs that use it are refused until you enable it again.",
        "enabled" => "The key is enabled. Programs that use it are let in again.",
        "revoked" => "The key was revoked. Programs that use it are refused from now on.",
        _ => return None,
    })
}

#[component]
fn MadeNotice(made: MadeKey) -> impl IntoView {
    view! {
        <div class="notice good" role="status">
            <div class="stack">
                <p>"This is "<b>{made.name}</b>". Copy it now: it is shown this once and kept nowhere."</p>
                <p class="secret">
                    <code>{made.secret.clone()}</code>
                    <CopyButton text=made.secret />
                </p>
            </div>
        </div>
    }
}

#[component]
fn CreateForm() -> impl IntoView {
    view! {
        <section class="card stack" aria-labelledby="create-heading">
            <h2 id="create-heading">"Make a key"</h2>
            <form action=CreateKey::PATH method="post" class="stack">
                <Fields prefix="new".to_owned() labels=Labels::MAKING there=Prefill::default() />
                <p><button type="submit" class="button primary">"Make key"</button></p>
            </form>
        </section>
    }
}

#[component]
fn KeyList(keys: Vec<ApiKey>) -> impl IntoView {
    let list = if keys.is_empty() {
        view! { <Empty title="No keys yet"><p>"Give one a name above; its secret appears here, once."</p></Empty> }
            .into_any()
    } else {
        view! {
            <div class="table-wrap" role="group" aria-labelledby="keys-heading" tabindex="0">
                <table class="table key-table">
                    <thead>
                        <tr>
                            <th scope="col">"Key"</th>
                            <th scope="col">"May"</th>
                            <th scope="col" class="num">"Spent"</th>
                            <th scope="col">"Limit"</th>
                            <th scope="col">"Last used"</th>
                            <th scope="col">"Made"</th>
                            <th scope="col"><span class="visually-hidden">"Manage"</span></th>
                        </tr>
                    </thead>
                    <tbody>{keys.into_iter().map(|key| view! { <KeyRow key /> }).collect_view()}</tbody>
                </table>
            </div>
        }
        .into_any()
    };
    view! {
        <section class="stack" aria-labelledby="keys-heading">
            <h2 id="keys-heading">"Your keys"</h2>
            {list}
        </section>
    }
}
