//! The state of the books: balanced or not, how far that was checked, and what proves that nothing is written anew.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use engine::BooksState;
use leptos::prelude::*;
use marketplace::money::group;

use super::draw;
use super::place::Place;
use crate::api::sheets::Sheet;
use crate::components::{CopyButton, Drawn, Moment};
use crate::context::origin;
use crate::error::AppError;

pub async fn page(place: &Place<'_>) -> Sheet {
    let lead = || view! { <p>"Every amount stands in them twice, so all of them together come to nothing. That is checked all the time."</p> };
    let state = place.caller.engine.books_state(&place.caller.actor).await.map_err(AppError::from);
    place.page("The books", "proof", lead, state.map(|state| sheet(state, &origin())))
}

fn sheet(state: BooksState, origin: &str) -> Drawn {
    let program = program(&state, origin);
    draw(|| {
        view! {
            <Balance state=state.clone() />
            <SealCard state />
            <Verification program />
        }
    })
}

/// For the foot of a page: one link.
pub fn line(state: Option<BooksState>) -> Drawn {
    let Some(state) = state else { return Drawn::from(String::new()) };
    let text = match (state.balanced, state.last_check.as_deref().and_then(ago)) {
        (false, _) => "Books do not balance".to_owned(),
        (true, Some(ago)) => format!("Books balanced {ago}"),
        (true, None) => "Books not checked yet".to_owned(),
    };
    draw(|| view! { <p><a href="/books">{text}</a></p> })
}

#[component]
fn Balance(state: BooksState) -> impl IntoView {
    let verdict = if state.balanced {
        view! { <span class="chip good">"balanced"</span> }.into_any()
    } else {
        view! { <span class="chip bad">"not balanced"</span> }.into_any()
    };
    view! {
        <section class="card stack" aria-labelledby="balance-title">
            <div class="split">
                <h2 id="balance-title">"Do they balance?"</h2>
                {verdict}
            </div>
            {state.stopped_since.map(|since| view! {
                <p>
                    "Paid calls are refused since "<Moment at=since />
                    ", and until a check of the whole history finds nothing. Balances can be read and paid into."
                </p>
            })}
            <dl class="kv">
                <dt>"Running check, of what was written since the one before"</dt>
                <dd><When at=state.last_check /></dd>
                <dt>"Entries it looked at"</dt>
                <dd class="num">{count(state.entries_checked)}</dd>
                <dt>"Check of the whole history"</dt>
                <dd><When at=state.last_whole_check /></dd>
                <dt>"Entries it looked at"</dt>
                <dd class="num">{count(state.entries_in_whole_check)}</dd>
            </dl>
        </section>
    }
}

#[component]
fn When(at: Option<String>) -> impl IntoView {
    match at {
        Some(at) => {
            let ago = ago(&at).map(|ago| format!(", {ago}"));
            view! { <Moment at />{ago} }.into_any()
        }
        None => view! { "not yet" }.into_any(),
    }
}

#[component]
fn SealCard(state: BooksState) -> impl IntoView {
    let block = match (state.block, state.block_hash) {
        (Some(number), Some(hash)) => view! {
            <dl class="kv">
                <dt>"Block"</dt><dd class="num">{count(Some(number))}</dd>
                <dt>"Sealed"</dt><dd><When at=state.sealed_at /></dd>
            </dl>
            <Code title="Hash of the block" text=hash />
        }
        .into_any(),
        _ => {
            view! { <p>"Nothing is sealed yet; that happens each minute in which something was written."</p> }
                .into_any()
        }
    };
    view! {
        <section class="card stack" aria-labelledby="seal-title">
            <h2 id="seal-title">"The last seal"</h2>
            <p class="soft">
                "What was written is sealed in blocks. The hash of each covers the one before it, so the last one stands for the whole history."
            </p>
            {block}
            <Code title="Public key of this market, Ed25519" text=state.public_key />
        </section>
    }
}

#[component]
fn Code(title: &'static str, text: String) -> impl IntoView {
    view! {
        <div class="code">
            <div class="code-head">{title}<CopyButton text=text.clone() /></div>
            <pre tabindex="0" role="region" aria-label=title><code>{text}</code></pre>
        </div>
    }
    .into_any()
}

#[component]
fn Verification(program: String) -> impl IntoView {
    view! {
        <section class="stack" aria-labelledby="verify-title">
            <h2 id="verify-title">"See for yourself"</h2>
            <ol class="stack">
                <li>"Write down the number and the hash of the last block, and the public key."</li>
                <li>"Ask for that block again whenever you like. Another hash, or no such block, means that history was changed."</li>
                <li>"Check that it is signed with the key you know, which also signs what else this market certifies:"</li>
            </ol>
            <Code title="Python" text=program />
            <p class="soft">
                "Your own part is on the "<a href="/billing">"billing page"</a>": every line, with the balance after it, and a receipt for each call. "
                "Whoever runs this market checks all of it with "<code>"mercato ledger verify"</code>". "
                "Programs read this page at "<a href="/api/v1/books" rel="external">"/api/v1/books"</a>"."
            </p>
        </section>
    }
    .into_any()
}

fn program(state: &BooksState, origin: &str) -> String {
    let (block, key) = (state.block.unwrap_or(1), &state.public_key);
    format!(
        r#"import base64, json, urllib.request
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

seal = json.load(urllib.request.urlopen("{origin}/api/v1/books/blocks/{block}"))
message = "mercato-seal|{{block}}|{{entries}}|{{hash}}|{{sealed_at}}".format(**seal)
key = Ed25519PublicKey.from_public_bytes(base64.b64decode("{key}"))
key.verify(base64.b64decode(seal["signature"]), message.encode())
print(seal["hash"])"#
    )
}

pub fn count(number: Option<i64>) -> String {
    number.map_or_else(|| "none".to_owned(), |number| group(number.unsigned_abs()))
}

/// How long ago a moment was, as people say it.
pub fn ago(at: &str) -> Option<String> {
    let at = DateTime::parse_from_rfc3339(at).ok()?;
    let seconds = (DateTime::<Utc>::from(SystemTime::now()) - at.to_utc()).num_seconds().max(0);
    Some(spoken(seconds))
}

fn spoken(seconds: i64) -> String {
    match seconds {
        0..120 => format!("{seconds} s ago"),
        120..7_200 => format!("{} min ago", seconds / 60),
        7_200..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_said_in_its_largest_unit() {
        let said = [0, 12, 119, 120, 7_199, 7_200, 172_799, 172_800].map(spoken);
        let expected = [
            "0 s ago",
            "12 s ago",
            "119 s ago",
            "2 min ago",
            "119 min ago",
            "2 h ago",
            "47 h ago",
            "2 days ago",
        ];
        assert_eq!(said, expected);
        assert_eq!(ago("soon"), None);
    }
}
