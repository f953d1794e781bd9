//! The comparison as a table: a column a model, a body of rows a group.

use leptos::prelude::*;
use marketplace::model::{Kind, Listing, publisher_name};

use super::address;
use super::rows::{Cell, Group, Row};
use crate::components::{Icon, Tile};

#[component]
pub fn Table(listings: Vec<Listing>, groups: Vec<Group>, only_differences: bool) -> impl IntoView {
    let ids: Vec<String> = listings.iter().map(|listing| listing.model.id.to_string()).collect();
    let columns = ids.len();
    let other = address(ids.iter().map(String::as_str), !only_differences);
    let switch = if only_differences { "Show all rows" } else { "Show only what differs" };
    let heads = listings.iter().enumerate().map(|(at, listing)| {
        let others = ids.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, id)| id.as_str());
        let without = address(others, only_differences);
        view! { <Head listing=listing.clone() without /> }
    });
    let heads = heads.collect_view();
    let bodies = groups.into_iter().map(|group| view! { <Body group columns only_differences /> });
    view! {
        {(columns > 1).then(|| view! { <p class="split"><span></span><a href=other>{switch}</a></p> })}
        <div class="table-wrap compare-wrap" role="group" aria-label="Comparison" tabindex="0">
            <table class="table compare-table" data-columns=columns.to_string()>
                <thead>
                    <tr>
                        <td></td>
                        {heads}
                    </tr>
                </thead>
                {bodies.collect_view()}
            </table>
        </div>
    }
    .into_any()
}

#[component]
fn Head(listing: Listing, without: String) -> impl IntoView {
    let name = listing.model.name.clone();
    let id = listing.model.id.to_string();
    let action = match listing.model.kind {
        _ if !listing.sale.is_open() => view! { <span class="soft small">"Not for sale"</span> }.into_any(),
        Kind::Chat => view! {
            <a class="button" href=format!("/chat?model={id}")>"Chat"<span class="visually-hidden">" with "{name.clone()}</span></a>
        }
        .into_any(),
        _ => view! {
            <a class="button" href=format!("{}#code", listing.href())>"Use"<span class="visually-hidden">" "{name.clone()}" in code"</span></a>
        }
        .into_any(),
    };
    view! {
        <th scope="col" class="compare-head">
            <Tile name=publisher_name(&listing.model.publisher) />
            <a href=listing.href()>{name.clone()}</a>
            <span class="model-id">{id}</span>
            <span class="cluster">
                {action}
                <a class="button quiet" href=without><Icon name="x" /><span class="visually-hidden">"Remove "{name}</span></a>
            </span>
        </th>
    }
    .into_any()
}

#[component]
fn Body(group: Group, columns: usize, only_differences: bool) -> impl IntoView {
    let rows: Vec<Row> =
        group.rows.into_iter().filter(|row| columns < 2 || !only_differences || row.differs()).collect();
    (!rows.is_empty()).then(|| {
        view! {
            <tbody>
                <tr class="compare-group">
                    <th scope="rowgroup" colspan=(columns + 1).to_string()>
                        <span>{group.title}{group.note.map(|note| view! { <small class="soft">{note}</small> })}</span>
                    </th>
                </tr>
                {rows.into_iter().map(|row| view! { <Line row /> }).collect_view()}
            </tbody>
        }
        .into_any()
    })
}

#[component]
fn Line(row: Row) -> impl IntoView {
    let mark = row.differs().then(|| {
        view! {
            <span class="compare-differs" aria-hidden="true">"≠ "</span>
            <span class="visually-hidden">"differs: "</span>
        }
    });
    let cells = row.cells.iter().map(|cell| value(cell, row.praise(cell)));
    view! {
        <tr>
            <th scope="row">{mark}{row.name.clone()}</th>
            {cells.collect_view()}
        </tr>
    }
    .into_any()
}

fn value(cell: &Cell, praise: Option<&'static str>) -> AnyView {
    let shown = match cell.shown.clone() {
        Some(text) => view! { <span class="compare-value num">{text}</span> }.into_any(),
        None => view! { <span class="soft">"unknown"</span> }.into_any(),
    };
    let praise = praise.map(|word| view! { <span class="chip good"><Icon name="check" />{word}</span> });
    let beneath = cell.beneath.clone().map(|text| view! { <small class="soft">{text}</small> });
    view! { <td>{shown}{praise}{beneath}</td> }.into_any()
}
