//! The keys there are: what each may spend, has spent, and the way to end it.

use leptos::prelude::*;
use marketplace::money::Nanos;
use marketplace::secret_key::ApiKey;

use super::super::sign_in::Refusal;
use crate::components::{Empty, Moment};
use crate::door::{DoorForm, Submission};

#[component]
pub fn KeyList(keys: Vec<ApiKey>, revoke: Submission) -> impl IntoView {
    let list = if keys.is_empty() {
        view! { <Empty title="No keys yet"><p>"Give one a name above; its secret appears here, once."</p></Empty> }
            .into_any()
    } else {
        view! { <KeyTable keys revoke /> }.into_any()
    };
    view! {
        <section class="stack" aria-labelledby="keys-heading">
            <h2 id="keys-heading">"Your keys"</h2>
            {move || revoke.fault().map(|fault| view! { <Refusal fault /> }.into_any())}
            {list}
        </section>
    }
}

#[component]
fn KeyTable(keys: Vec<ApiKey>, revoke: Submission) -> impl IntoView {
    view! {
        <div class="table-wrap" role="group" aria-labelledby="keys-heading" tabindex="0">
            <table class="table key-table">
                <thead>
                    <tr>
                        <th scope="col">"Key"</th>
                        <th scope="col" class="num">"Spent"</th>
                        <th scope="col">"Limit"</th>
                        <th scope="col">"Last used"</th>
                        <th scope="col">"Made"</th>
                        <th scope="col"><span class="visually-hidden">"Revoke"</span></th>
                    </tr>
                </thead>
                <tbody>{keys.into_iter().map(|key| view! { <KeyRow key=key revoke /> }.into_any()).collect_view()}</tbody>
            </table>
        </div>
    }
}

#[component]
fn KeyRow(key: ApiKey, revoke: Submission) -> impl IntoView {
    let end = if key.revoked {
        view! { <span class="chip bad">"Revoked"</span> }.into_any()
    } else {
        view! { <RevokeForm id=key.id.to_string() name=key.name.clone() revoke /> }.into_any()
    };
    view! {
        <tr>
            <th scope="row">
                <span class="key-name">{key.name.clone()}</span>
                <code class="soft">{key.prefix}"…"</code>
            </th>
            <td class="num">{key.spent_nanos.cost()}</td>
            <td><Limit name=key.name limit=key.limit_nanos used=key.spent_nanos + key.held_nanos /></td>
            <td>{match key.last_used_at {
                Some(at) => view! { <Moment at /> }.into_any(),
                None => view! { <span class="soft">"Never"</span> }.into_any(),
            }}</td>
            <td><Moment at=key.created_at /></td>
            <td>{end}</td>
        </tr>
    }
}

#[component]
fn Limit(name: String, limit: Option<Nanos>, used: Nanos) -> impl IntoView {
    match limit {
        Some(limit) => view! {
            <span class="limit-figure num">{limit.balance()}</span>
            <meter
                min="0"
                max=limit.0.to_string()
                value=used.0.to_string()
                aria-label=format!("Used of the limit of {name}")
            ></meter>
        }
        .into_any(),
        None => view! { <span class="soft">"None"</span> }.into_any(),
    }
}

/// Asks once more before it acts, without needing scripts for it.
#[component]
fn RevokeForm(id: String, name: String, revoke: Submission) -> impl IntoView {
    view! {
        <details class="confirm">
            <summary class="button quiet">"Revoke"<span class="visually-hidden">" "{name.clone()}</span></summary>
            <DoorForm to=revoke class="confirm-panel">
                <p>"Programs that use "<b>{name}</b>" stop working at once. This cannot be undone."</p>
                <input type="hidden" name="id" value=id />
                <button type="submit" class="button danger" disabled=move || revoke.is_pending()>"Revoke for good"</button>
            </DoorForm>
        </details>
    }
}
