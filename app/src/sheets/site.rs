//! The page on which somebody lets a site have a key of theirs, or does not: a plain form.

use engine::Wish;
use leptos::prelude::*;
use marketplace::billing::Window;
use marketplace::fault::Fault;

use super::draw;
use super::place::Place;
use super::query::escape;
use crate::api::sheets::Sheet;
use crate::components::{Drawn, FaultNotice};
use crate::error::AppError;

/// What the address of the page asks for; the form hands it on.
#[derive(Debug)]
pub struct Asked {
    pub callback: String,
    pub challenge: String,
    pub method: String,
    pub limit: String,
}

/// Why the form came to nothing. An address can say anything, so the page has its own words for each.
const REFUSALS: [(&str, &str, &str); 3] = [
    ("limit", "limit", "must be dollars with at most nine decimals, for example 5.00"),
    ("keys", "keys", "are all taken: your plan allows no more. Revoke one at /keys first"),
    ("later", "agreement", "could not be written down. Wait a while, and try again"),
];

pub fn page(place: &Place<'_>) -> Sheet {
    let asked = Asked {
        callback: place.query.text("callback_url").to_owned(),
        challenge: place.query.text("code_challenge").to_owned(),
        method: place.query.text("code_challenge_method").to_owned(),
        limit: place.query.text("limit").to_owned(),
    };
    let wish = Wish::parse(&asked.callback, &asked.challenge, &asked.method);
    let is_signed_in = place.caller.actor.person().is_ok();
    let refused = place.asked("refused").and_then(|word| REFUSALS.iter().find(|(known, ..)| *known == word));
    let refusal = refused.map(|(_, what, problem)| Fault::invalid(what, problem));
    let content = wish.map(|wish| sheet(&wish, &asked, is_signed_in, refusal)).map_err(AppError::from);
    place.page("A site asks for a key", "entrance", || (), content)
}

fn sheet(wish: &Wish, asked: &Asked, is_signed_in: bool, refusal: Option<Fault>) -> Drawn {
    let site = wish.callback.site();
    draw(|| {
        let choice = if is_signed_in {
            view! { <Choice asked /> }.into_any()
        } else {
            view! { <Entrance asked /> }.into_any()
        };
        view! {
            {refusal.map(|fault| view! { <FaultNotice fault /> })}
            <div class="card stack">
                <p class="site-name"><b>{site}</b></p>
                <p>"wants an API key of yours. With it the site asks models and reads balance, calls and receipts, and you pay for what it asks."</p>
                <p class="soft">
                    "It gets no password, cannot add funds and cannot manage keys. The key stands among "
                    <a href="/keys">"your keys"</a>" under this name, where you change its limit, disable or revoke it at any time."
                </p>
                {choice}
            </div>
        }
    })
}

#[component]
fn Choice<'a>(asked: &'a Asked) -> impl IntoView {
    let hidden = [
        ("callback_url", asked.callback.clone()),
        ("code_challenge", asked.challenge.clone()),
        ("code_challenge_method", asked.method.clone()),
    ]
    .map(|(name, value)| view! { <input type="hidden" name=name value=value /> });
    let resets = [(Window::Day, "each day"), (Window::Week, "each week"), (Window::Month, "each month")]
        .map(|(window, word)| view! { <option value=window.as_str()>{word}</option> });
    view! {
        <form action="/auth" method="post" class="stack">
            {hidden}
            <div class="key-form">
                <div class="field">
                    <label for="site-limit">"May spend, in dollars"</label>
                    <input id="site-limit" name="limit_usd" inputmode="decimal" autocomplete="off" placeholder="5.00" value=asked.limit.clone() />
                    <p class="hint">"Empty: as much as you have."</p>
                </div>
                <div class="field">
                    <label for="site-reset">"Begins anew"</label>
                    <select id="site-reset" name="limit_reset"><option value="">"never"</option>{resets}</select>
                </div>
            </div>
            <p class="cluster">
                <button type="submit" class="button primary" name="choice" value="agree">"Give it a key"</button>
                <button type="submit" class="button" name="choice" value="decline">"Decline"</button>
            </p>
        </form>
    }
}

/// Whoever signs in comes back here.
#[component]
fn Entrance<'a>(asked: &'a Asked) -> impl IntoView {
    let next = escape(&address(asked));
    view! {
        <p>"Sign in to decide; you come straight back here."</p>
        <p class="cluster">
            <a class="button primary" href=format!("/sign-in?next={next}")>"Sign in"</a>
            <a class="button" href=format!("/sign-up?next={next}")>"Create account"</a>
        </p>
    }
}

/// Where the page stands that asks this.
pub fn address(asked: &Asked) -> String {
    format!(
        "/auth?callback_url={}&code_challenge={}&code_challenge_method={}&limit={}",
        escape(&asked.callback),
        escape(&asked.challenge),
        escape(&asked.method),
        escape(&asked.limit)
    )
}

/// The page between ours and the site's. A redirect would be held up by the rule that our forms lead nowhere else.
pub fn leave(address: &str, site: &str) -> String {
    let owner = Owner::new();
    let page = owner.with(|| {
        view! {
            <meta http-equiv="refresh" content=format!("0;url={address}") />
            <title>"Back to the site"</title>
            <p>"Going back to "<b>{site.to_owned()}</b>". "<a href=address.to_owned()>"Go on"</a></p>
        }
        .to_html()
    });
    owner.cleanup();
    format!("<!DOCTYPE html><meta charset=\"utf-8\">{page}")
}
