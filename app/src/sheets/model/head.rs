//! The top of a model's page: its name, its price, and whether it can be bought.

use leptos::prelude::*;
use marketplace::model::{Kind, Listing, Sale, publisher_name};
use marketplace::money::Rate;
use marketplace::query::escape;

use crate::components::{CopyButton, Icon, Tile};
use crate::pages::words::kind_name;
use crate::sheets::compare::address;
use crate::sheets::price::{Price, next_price};
use crate::sheets::results::known_rates;
use crate::sheets::words::{day, ending};

#[component]
pub fn Head(listing: Listing) -> impl IntoView {
    let model = &listing.model;
    let id = model.id.to_string();
    let chat = (listing.sale.is_open() && model.kind == Kind::Chat).then(|| format!("/chat?model={id}"));
    let compare = address([id.as_str()].into_iter(), false);
    view! {
        <header class="model-head">
            <Tile name=publisher_name(&model.publisher) />
            <div class="model-title">
                <p class="soft"><a href="/models">"Models"</a>" / "{kind_name(model.kind.as_str()).to_owned()}</p>
                <h1>{model.name.clone()}</h1>
                <p class="model-id-line"><code>{id.clone()}</code><CopyButton text=id /></p>
                <p class="soft">{model.summary()}"."</p>
            </div>
            <div class="model-buy">
                <HeadPrice listing=listing.clone() />
                {next_price(&listing).map(|next| view! { <p class="small"><a href="#history">{next}</a></p> })}
                {chat.map(|href| view! { <a class="button primary" href=href><Icon name="messages-square" />"Chat"</a> })}
                <a class="button" href=compare>"Compare"</a>
            </div>
        </header>
        <SaleNotice listing />
    }
    .into_any()
}

#[component]
fn HeadPrice(listing: Listing) -> impl IntoView {
    let (input, output) = known_rates(&listing.model);
    let paid = move |rate: Option<Rate>| rate.map(|rate| listing.take.on_rate(rate));
    let is_generating = listing.model.kind != Kind::Embedding;
    if let Some(each) = listing.buyer_picture() {
        return view! {
            <dl class="head-price"><div><dt>"Picture"</dt><dd class="num">{each.cost()}</dd></div></dl>
            <p class="soft small">"a picture, fee included"</p>
        }
        .into_any();
    }
    let (is_free, by_the_piece) = (listing.model.free, !listing.model.other_prices.is_empty());
    let note = match input.or(output) {
        Some(_) if is_free => "free of charge",
        Some(_) => "per million tokens, fee included",
        None if by_the_piece => "not sold by the token, see below",
        None => "price unknown",
    };
    view! {
        <dl class="head-price">
            <div><dt>"Input"</dt><dd><Price rate=paid(input) /></dd></div>
            {is_generating.then(|| view! { <div><dt>"Output"</dt><dd><Price rate=paid(output) /></dd></div> })}
        </dl>
        <p class="soft small">{note}</p>
    }
    .into_any()
}

/// Why it cannot be bought, or until when it can; with the way to what follows it.
#[component]
fn SaleNotice(listing: Listing) -> impl IntoView {
    let reason = match &listing.sale {
        Sale::Open => None,
        Sale::Retired { .. } => Some(match listing.model.retires {
            Some(date) => format!("Retired by its vendor on {}: it no longer answers.", day(date)),
            None => "Retired by its vendor: it no longer answers.".to_owned(),
        }),
        sale => sale.reason().map(|reason| format!("Not for sale. {reason}.")),
    };
    let ending = ending(&listing.model).map(|ending| {
        format!("Its vendor has announced its end ({ending}). Until then it answers as before.")
    });
    let (next, is_retired) = match &listing.sale {
        Sale::Retired { replacement } => (replacement.clone(), true),
        _ => (listing.model.replacement, false),
    };
    let maker = listing.model.publisher;
    let next = match next {
        Some(next) => {
            view! { <p>"Use "<a href=format!("/models/{next}")>{next.to_string()}</a>" instead."</p> }
                .into_any()
        }
        None if is_retired => {
            let (name, href) =
                (publisher_name(&maker), format!("/models?author={}&sale=open", escape(&maker)));
            view! { <p>"Nothing is named that follows it: see "<a href=href>"what "{name}" has for sale"</a>"."</p> }.into_any()
        }
        None => ().into_any(),
    };
    reason.or(ending).map(|text| {
        view! {
            <div class="notice" role="note">
                <Icon name="circle-alert" />
                <div><p>{text}</p>{next}</div>
            </div>
        }
    })
}
