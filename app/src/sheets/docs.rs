//! `/docs`: how programs use this market. Operations are drawn from its own description, the rest from Markdown.

mod article;
pub mod example;
mod operation;
pub mod reference;

use leptos::prelude::*;
use marketplace::fault::Fault;

use self::article::Article;
use self::operation::OperationEntry;
use self::reference::{Group, groups, operations};
use super::draw;
use crate::api::sheets::Sheet;
use crate::context::{origin, subject};
use crate::error::AppError;

/// `place` is what stands behind `/docs/`; nothing for the contents.
pub fn sheet(place: &str) -> Result<Sheet, AppError> {
    let origin = origin();
    if place.is_empty() {
        return Ok(page("Docs", "", || view! { <Contents origin /> }.into_any()));
    }
    if let Some(group) = groups().into_iter().find(|group| group.place == place) {
        let title = group.name.clone();
        return Ok(page(&title, place, || view! { <Operations group origin /> }.into_any()));
    }
    match article::find(place) {
        Some(article) => {
            Ok(page(article.title, place, || view! { <ArticleText article origin /> }.into_any()))
        }
        None => subject(Err(Fault::not_found("This page"))),
    }
}

fn page(title: &str, place: &str, content: impl FnOnce() -> AnyView) -> Sheet {
    let body = draw(|| {
        view! {
            <div class="page docs">
                <div class="page-head">
                    {(!place.is_empty()).then(|| view! { <a class="docs-back" href="/docs" rel="external">"Docs"</a> })}
                    <h1>{title.to_owned()}</h1>
                </div>
                <div class="docs-columns">
                    <div class="docs-main">{content()}</div>
                    <Places place=place.to_owned() />
                </div>
            </div>
        }
    });
    let title = if place.is_empty() { "Docs".to_owned() } else { format!("{title} · Docs") };
    Sheet { title, body }
}

/// What else there is to read.
#[component]
fn Places(place: String) -> impl IntoView {
    let link = |to: &str, name: String| {
        let href = if to.is_empty() { "/docs".to_owned() } else { format!("/docs/{to}") };
        let current = (to == place).then_some("page");
        // Each is a page of its own to the router, which would keep the one that is there.
        view! { <li><a href=href rel="external" aria-current=current>{name}</a></li> }
    };
    let articles: Vec<_> =
        article::ALL.iter().map(|article| link(article.place, article.title.to_owned())).collect();
    let groups: Vec<_> = groups().iter().map(|group| link(&group.place, group.name.clone())).collect();
    view! {
        <nav class="docs-places" aria-label="Docs">
            <ul>{link("", "Contents".to_owned())}{articles}</ul>
            <p class="soft">"Operations"</p>
            <ul>{groups}</ul>
        </nav>
    }
    .into_any()
}

#[component]
fn Contents(origin: String) -> impl IntoView {
    let groups: Vec<_> = groups().into_iter().map(|group| view! { <GroupContents group /> }).collect();
    view! {
        <section class="stack" aria-labelledby="begin-title">
            <h2 id="begin-title">"Begin"</h2>
            <p>"Make a key on the "<a href="/keys">"keys page"</a>", and send it as "<code>"Authorization: Bearer"</code>" or "<code>"x-api-key"</code>"."</p>
            <dl class="kv">
                <dt>"OpenAI’s clients"</dt><dd><code>{format!("{origin}/v1")}</code></dd>
                <dt>"OpenRouter’s clients"</dt><dd><code>{format!("{origin}/api/v1")}</code></dd>
                <dt>"Anthropic’s clients"</dt><dd><code>{origin.clone()}</code></dd>
            </dl>
            <p>
                "For programs: "<a href="/openapi.json" rel="external">"openapi.json"</a>" (OpenAPI 3.1), "
                <a href="/docs/examples.json" rel="external">"every example as JSON"</a>", "
                <a href="/llms.txt" rel="external">"llms.txt"</a>"."
            </p>
        </section>
        {groups}
    }
    .into_any()
}

#[component]
fn GroupContents(group: Group) -> impl IntoView {
    let rows: Vec<_> = operations(&group.name)
        .into_iter()
        .map(|operation| {
            let href = format!("/docs/{}#{}", group.place, operation.id);
            view! {
                <tr>
                    <th scope="row"><a href=href rel="external"><code>{operation.title()}</code></a></th>
                    <td>{operation.summary}</td>
                </tr>
            }
        })
        .collect();
    let title = format!("{}-title", group.place);
    let (heading, table) = (title.clone(), title.clone());
    view! {
        <section class="stack" aria-labelledby=heading>
            <h2 id=title>{group.name}</h2>
            <p class="soft">{group.description}</p>
            <div class="table-wrap" role="group" aria-labelledby=table tabindex="0">
                <table class="table">
                    <thead><tr><th scope="col">"Operation"</th><th scope="col">"What it does"</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

#[component]
fn Operations(group: Group, origin: String) -> impl IntoView {
    let all: Vec<_> = operations(&group.name)
        .into_iter()
        .map(|operation| view! { <OperationEntry operation origin=origin.clone() /> })
        .collect();
    view! { <p class="soft">{group.description}</p>{all} }.into_any()
}

#[component]
fn ArticleText(article: &'static Article, origin: String) -> impl IntoView {
    view! { <div class="markdown" inner_html=article.html(&origin)></div> }.into_any()
}

pub fn articles() -> impl Iterator<Item = &'static str> {
    article::ALL.iter().map(|article| article.place)
}

/// An article as it was written, with the reader's own address in it.
pub fn markdown(place: &str, origin: &str) -> Option<String> {
    article::find(place).map(|article| article.text(origin))
}

/// Every page that can be found: where it is, what it is called and what it is about.
pub fn places() -> Vec<(String, String, String)> {
    let articles = article::ALL.iter().map(|article| {
        (format!("/docs/{}", article.place), article.title.to_owned(), article.about.to_owned())
    });
    let groups = groups()
        .into_iter()
        .map(|group| (format!("/docs/{}", group.place), format!("API: {}", group.name), group.description));
    articles.chain(groups).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_is_in_one_of_the_groups_and_has_a_summary() {
        let listed: usize = groups().iter().map(|group| operations(&group.name).len()).sum();
        assert_eq!(listed, reference::count());
        for group in groups() {
            for operation in operations(&group.name) {
                assert!(!operation.summary.is_empty(), "{}", operation.title());
            }
        }
    }

    #[test]
    fn no_two_pages_are_in_one_place() {
        let places: BTreeSet<_> = places().into_iter().map(|(place, ..)| place).collect();
        assert_eq!(places.len(), super::places().len(), "{places:?}");
    }

    #[test]
    fn every_article_has_its_own_address_in_place_of_ours() {
        for article in article::ALL {
            let text = article.text("https://market.example");
            assert!(!text.contains("ORIGIN") && !text.is_empty(), "{}", article.place);
            assert!(!article.html("https://market.example").contains("<h1"), "{}", article.place);
        }
        assert!(markdown("nothing", "").is_none());
    }
}
