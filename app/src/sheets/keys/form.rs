//! The fields of a key, for one that is made and one that is changed.

use leptos::prelude::*;
use marketplace::billing::Window;
use marketplace::scope::Scope;
use marketplace::secret_key::ApiKey;

/// What the fields say before anybody has written into them.
#[derive(Default)]
pub struct Prefill {
    name: String,
    limit: String,
    reset: Option<Window>,
    expires_on: String,
    /// Those of a key of which nothing was said, when there is none yet.
    scopes: Option<Vec<Scope>>,
    models: String,
    addresses: String,
    requests: String,
    tokens: String,
}

impl Prefill {
    pub fn of(key: &ApiKey) -> Self {
        let list =
            |names: &Option<Vec<String>>| names.as_deref().map(|names| names.join("\n")).unwrap_or_default();
        Self {
            name: key.name.clone(),
            limit: key.limit_nanos.map(|limit| limit.decimal()).unwrap_or_default(),
            reset: key.limit_reset,
            expires_on: key.expires_at.as_deref().and_then(|at| at.get(..10)).unwrap_or_default().to_owned(),
            scopes: Some(key.scopes.clone()),
            models: list(&key.models),
            addresses: list(&key.addresses),
            requests: key.requests_a_minute.map(|requests| requests.to_string()).unwrap_or_default(),
            tokens: key.tokens_a_minute.map(|tokens| tokens.to_string()).unwrap_or_default(),
        }
    }
}

/// What a field is called: of two forms on a page each has names of its own.
#[derive(Clone, Copy)]
pub struct Labels {
    name: &'static str,
    limit: &'static str,
}

impl Labels {
    pub const MAKING: Self = Self { name: "Name", limit: "Limit in dollars, if any" };
    pub const CHANGING: Self = Self { name: "New name", limit: "May spend, in dollars" };
}

#[component]
pub fn Fields(prefix: String, labels: Labels, there: Prefill) -> impl IntoView {
    let id = |field: &str| format!("{prefix}-{field}");
    let resets = [Window::Day, Window::Week, Window::Month].map(|window| {
        let word = match window {
            Window::Day => "each day",
            Window::Week => "each week",
            Window::Month => "each month",
        };
        view! { <option value=window.as_str() selected=there.reset == Some(window)>{word}</option> }
    });
    let (name, limit) = (there.name.clone(), there.limit.clone());
    let is_new = there.scopes.is_none();
    let more = view! { <More prefix=prefix.clone() there /> };
    // Of a key that is made most of it is rarely wanted; of one that is changed everything is seen at once.
    let more = if is_new {
        view! { <details class="key-more"><summary>"What it may do, and from where"</summary>{more}</details> }.into_any()
    } else {
        more.into_any()
    };
    view! {
        <input type="hidden" name="asks_scopes" value="yes" />
        <div class="key-form">
            <div class="field">
                <label for=id("name")>{labels.name}</label>
                <input id=id("name") name="name" autocomplete="off" placeholder="My notebook" maxlength="80" required value=name />
            </div>
            <div class="field">
                <label for=id("limit")>{labels.limit}</label>
                <input id=id("limit") name="limit_usd" inputmode="decimal" autocomplete="off" placeholder="5.00" value=limit />
                <p class="hint">"All calls with this key together never cost more."</p>
            </div>
            <div class="field">
                <label for=id("reset")>"Begins anew"</label>
                <select id=id("reset") name="limit_reset"><option value="">"never"</option>{resets}</select>
            </div>
        </div>
        {more}
    }
}

#[component]
fn More(prefix: String, there: Prefill) -> impl IntoView {
    let id = |field: &str| format!("{prefix}-{field}");
    let boxes = Scope::ALL.map(|scope| {
        let ticked = there.scopes.as_deref().unwrap_or(&Scope::USUAL).contains(&scope);
        view! { <label><input type="checkbox" name=scope.as_str() value="yes" checked=ticked />" "{what(scope)}</label> }
    });
    view! {
        <div class="stack">
            <fieldset class="key-scopes"><legend>"May"</legend>{boxes}</fieldset>
            <div class="key-form">
                <div class="field">
                    <label for=id("models")>"Only these models"</label>
                    <textarea id=id("models") name="models" rows="2" placeholder="openai/*">{there.models}</textarea>
                    <p class="hint">"One a line; an author and "<code>"/*"</code>" for all that is theirs. Empty: every model."</p>
                </div>
                <div class="field">
                    <label for=id("addresses")>"Only from these addresses"</label>
                    <textarea id=id("addresses") name="addresses" rows="2" placeholder="203.0.113.0/24">{there.addresses}</textarea>
                    <p class="hint">"IP addresses or networks, one a line. Empty: from everywhere."</p>
                </div>
                <div class="field">
                    <label for=id("expires")>"Works until the end of"</label>
                    <input id=id("expires") name="expires_on" type="date" value=there.expires_on />
                    <p class="hint">"A day in UTC. Empty: until it is revoked."</p>
                </div>
                <div class="field">
                    <label for=id("requests")>"Requests a minute"</label>
                    <input id=id("requests") name="requests_a_minute" inputmode="numeric" autocomplete="off" value=there.requests />
                    <p class="hint">"Beside what your plan allows."</p>
                </div>
                <div class="field">
                    <label for=id("tokens")>"Tokens a minute"</label>
                    <input id=id("tokens") name="tokens_a_minute" inputmode="numeric" autocomplete="off" value=there.tokens />
                </div>
            </div>
        </div>
    }
}

fn what(scope: Scope) -> &'static str {
    match scope {
        Scope::Chat => "ask chat models",
        Scope::Embeddings => "make embeddings",
        Scope::Images => "draw images",
        Scope::Read => "read balance, calls and receipts",
        Scope::Management => "manage keys and limits; such a key runs no models",
    }
}
