//! One key: what it may do, has spent and was last used, and the forms that change or end it.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use marketplace::billing::Window;
use marketplace::money::{Nanos, group};
use marketplace::scope::Scope;
use marketplace::secret_key::ApiKey;

use super::form::{Fields, Labels, Prefill};
use crate::api::keys::{ChangeKey, RevokeKey, RotateKey, SwitchKey};
use crate::components::Moment;

#[component]
pub fn KeyRow(key: ApiKey) -> impl IntoView {
    let manage = if key.revoked {
        view! { <span class="chip bad">"Revoked"</span> }.into_any()
    } else {
        let chip = key.disabled.then(|| view! { <span class="chip">"Disabled"</span> });
        view! { {chip}<Panel key=key.clone() /> }.into_any()
    };
    let used = key.spent_nanos + key.held_nanos;
    view! {
        <tr>
            <th scope="row">
                <span class="key-name">{key.name.clone()}</span>
                <code class="soft">{key.prefix.clone()}"…"</code>
            </th>
            <td class="key-may" data-column="May">{may(&key).into_iter().map(|line| view! { <span>{line}</span> }).collect_view()}</td>
            <td class="num" data-column="Spent">{key.spent_nanos.cost()}</td>
            <td data-column="Limit"><Limit name=key.name.clone() limit=key.limit_nanos reset=key.limit_reset used /></td>
            <td data-column="Last used">{match key.last_used_at {
                Some(at) => view! { <Moment at /> }.into_any(),
                None => view! { <span class="soft">"Never"</span> }.into_any(),
            }}</td>
            <td data-column="Made"><Moment at=key.created_at />{key.expires_at.map(|at| view! { <br />"until "<Moment at /> })}</td>
            <td>{manage}</td>
        </tr>
    }
}

/// What a key may do, a line each.
fn may(key: &ApiKey) -> Vec<String> {
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    let usual =
        key.scopes.len() == Scope::USUAL.len() && Scope::USUAL.iter().all(|scope| key.scopes.contains(scope));
    let mut lines = vec![if usual { "Run models, read".to_owned() } else { scopes.join(", ") }];
    lines.extend(key.models.as_ref().map(|models| format!("only {}", models.join(", "))));
    lines.extend(key.addresses.as_ref().map(|addresses| format!("from {}", addresses.join(", "))));
    let number = |number: i64| group(number.unsigned_abs());
    lines.extend(
        key.requests_a_minute.map(|requests| format!("{} requests a minute", number(requests.into()))),
    );
    lines.extend(key.tokens_a_minute.map(|tokens| format!("{} tokens a minute", number(tokens))));
    lines
}

#[component]
fn Limit(name: String, limit: Option<Nanos>, reset: Option<Window>, used: Nanos) -> impl IntoView {
    let Some(limit) = limit else { return view! { <span class="soft">"None"</span> }.into_any() };
    let reset = reset.map(|window| format!(" a {}", window.as_str()));
    view! {
        <span class="limit-figure num">{limit.balance()}{reset}</span>
        <meter
            min="0"
            max=limit.0.to_string()
            value=used.0.to_string()
            aria-label=format!("Used of the limit of {name}")
        ></meter>
    }
    .into_any()
}

#[component]
fn Panel(key: ApiKey) -> impl IntoView {
    let (id, name) = (key.id.to_string(), key.name.clone());
    let still = key.old_secret_until.clone();
    view! {
        <details class="confirm">
            <summary class="button quiet">"Manage"<span class="visually-hidden">" "{name.clone()}</span></summary>
            <div class="confirm-panel key-panel">
                <form action=ChangeKey::PATH method="post" class="stack">
                    <input type="hidden" name="id" value=id.clone() />
                    <Fields prefix=format!("key-{id}") labels=Labels::CHANGING there=Prefill::of(&key) />
                    <button type="submit" class="button">"Save"</button>
                </form>
                <form action=RotateKey::PATH method="post" class="stack">
                    <p>"Another secret for "<b>{name.clone()}</b>"; all else stays."</p>
                    {still.map(|at| view! { <p class="soft">"The one before still works until "<Moment at /></p> })}
                    <input type="hidden" name="id" value=id.clone() />
                    <label>
                        "The present one works for "
                        <select name="overlap_seconds">
                            <option value="86400">"another day"</option>
                            <option value="3600">"another hour"</option>
                            <option value="604800">"another week"</option>
                            <option value="0">"no longer"</option>
                        </select>
                    </label>
                    <button type="submit" class="button">"New secret"</button>
                </form>
                <Switch id=id.clone() name=name.clone() is_disabled=key.disabled />
                <form action=RevokeKey::PATH method="post" class="stack">
                    <p>"Programs that use "<b>{name}</b>" stop working at once. This cannot be undone."</p>
                    <input type="hidden" name="id" value=id />
                    <button type="submit" class="button danger">"Revoke for good"</button>
                </form>
            </div>
        </details>
    }
}

#[component]
fn Switch(id: String, name: String, is_disabled: bool) -> impl IntoView {
    let (after, word) = if is_disabled {
        (" are let in again. Its terms and what it has spent are as they were.", "Enable")
    } else {
        (" are refused at once, until you enable it again. Answers under way are finished.", "Disable")
    };
    view! {
        <form action=SwitchKey::PATH method="post" class="stack">
            <p>"Programs that use "<b>{name}</b>{after}</p>
            <input type="hidden" name="id" value=id />
            <input type="hidden" name="disabled" value=(!is_disabled).to_string() />
            <button type="submit" class="button">{word}</button>
        </form>
    }
}
