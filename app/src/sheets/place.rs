//! Which sheet stands at which address.

use leptos::prelude::*;
use marketplace::fault::Fault;

use super::query::Query;
use super::{
    admin, books, checkout, compare, docs, draw, front, keys, letter, plot, pricing, receipt, recommend,
    site, statement, status, vendors,
};
use crate::api::sheets::Sheet;
use crate::components::{Drawing, Drawn};
use crate::context::{Caller, caller, subject};
use crate::error::AppError;
use crate::pages::refusal;

/// Who looks, and at what.
pub struct Place<'a> {
    pub caller: Caller,
    pub path: &'a str,
    pub query: Query,
}

pub async fn sheet(path: &str, query: &str) -> Result<Sheet, AppError> {
    let place = Place { caller: caller()?, path, query: Query::parse(query) };
    let (caller, query) = (&place.caller, &place.query);
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    match segments.as_slice() {
        [""] => Ok(front::sheet(caller)),
        ["compare"] => Ok(compare::sheet(caller, query).await),
        ["recommend"] => recommend::sheet(caller, query).await,
        ["plot"] => Ok(plot::sheet(caller, query)),
        ["pricing"] => Ok(pricing::sheet(caller).await),
        ["books"] => Ok(books::page(&place).await),
        ["status"] => Ok(status::page(&place).await),
        ["keys"] => Ok(keys::page(&place).await),
        ["receipts", id] => Ok(receipt::page(&place, id).await),
        ["pay", id] => Ok(checkout::page(&place, id).await),
        ["statements"] => Ok(statement::months_page(&place).await),
        ["statements", month] => Ok(statement::page(&place, month).await),
        ["confirm"] => Ok(letter::page(&place, "confirm", "Confirm your address")),
        ["forgot"] => Ok(letter::page(&place, "forgot", "Forgotten password")),
        ["reset"] => Ok(letter::page(&place, "reset", "New password")),
        ["auth"] => Ok(site::page(&place)),
        ["admin"] => Ok(admin::page(&place).await),
        ["admin", "vendors"] => Ok(vendors::page(&place).await),
        ["docs", place @ ..] => docs::sheet(&place.join("/")),
        _ => subject(Err(Fault::not_found("This page"))),
    }
}

impl Place<'_> {
    /// The whole page: its head, and what stands below it or why it may not be seen.
    pub fn page<V: IntoView>(
        &self,
        title: &str,
        class: &str,
        lead: impl FnOnce() -> V,
        content: Result<Drawn, AppError>,
    ) -> Sheet {
        let content = || match content {
            Ok(drawn) => view! { <Drawing of=drawn /> }.into_any(),
            Err(fault) => refusal(fault, self.path),
        };
        let body = draw(|| {
            view! {
                <div class=format!("page {class}")>
                    <div class="page-head">
                        <h1>{title.to_owned()}</h1>
                        {lead()}
                    </div>
                    {content()}
                </div>
            }
        });
        Sheet { title: title.to_owned(), body }
    }

    /// What became of the form that led here: `done` and the refusal, where they are in the address.
    pub fn outcome(&self) -> (Option<&str>, Option<Fault>) {
        (self.asked("done"), self.asked("__err").map(crate::context::refused))
    }

    pub fn asked(&self, name: &str) -> Option<&str> {
        Some(self.query.text(name)).filter(|text| !text.is_empty())
    }
}
