//! What programs read that look for pages: a site map, what they may read, and what this place is in a few lines.

use std::fmt::Write;

use app::context::{self, open_pages};
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use engine::{Actor, Engine};
use http::header;
use marketplace::model::{Kind, Listing};
use serde_json::Value;

use crate::routes::Site;

/// More than this a site map may not hold.
const ADDRESSES_MAX: usize = 50_000;

pub fn routes() -> Router<Site> {
    // The twins of articles, in Markdown. The pages have the rest of these addresses.
    let articles = context::articles().fold(Router::new(), |router, place| {
        router.route(&format!("/docs/{place}.md"), get(async move |engine| article(engine, place).await))
    });
    articles
        .route("/robots.txt", get(robots))
        .route("/sitemap.xml", get(site_map))
        .route("/llms.txt", get(summary))
        .route("/docs/examples.json", get(examples))
}

async fn robots(State(engine): State<Engine>) -> String {
    format!("{}\nSitemap: {}\n", include_str!("robots.txt").trim_end(), engine.link("/sitemap.xml"))
}

async fn site_map(State(engine): State<Engine>) -> impl IntoResponse {
    let listings = engine.listings(&Actor::Visitor);
    let models = listings.iter().map(Listing::href);
    let places = open_pages().map(|(path, ..)| path).chain(models).take(ADDRESSES_MAX);
    let mut map = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    for place in places {
        // Writing into a string cannot fail.
        let _ = writeln!(map, "<url><loc>{}</loc></url>", escaped(&engine.link(&place)));
    }
    map.push_str("</urlset>\n");
    ([(header::CONTENT_TYPE, "application/xml; charset=utf-8")], map)
}

async fn examples(State(engine): State<Engine>) -> Json<Value> {
    Json(context::examples(engine.link("").trim_end_matches('/')))
}

async fn article(State(engine): State<Engine>, place: &str) -> impl IntoResponse {
    let origin = engine.link("");
    let text = context::article(place, origin.trim_end_matches('/'));
    ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text.unwrap_or_default())
}

/// As <https://llmstxt.org> proposes: a heading, a sentence, and links.
async fn summary(State(engine): State<Engine>) -> impl IntoResponse {
    let mut text = format!(
        "# Mercato\n\n> A market of AI models: one balance, one key, many models. Every price is shown before it is paid, no \
         limit can be passed, and every call has a receipt that adds up.\n\nAny OpenAI client works with the base address {} \
         and a key from {}; any Anthropic client with {}.\n\n## Pages\n\n",
        engine.link("/v1"),
        engine.link("/keys"),
        engine.link(""),
    );
    for (path, title, description) in open_pages() {
        let _ = writeln!(text, "- [{title}]({}): {description}", engine.link(&path));
    }
    text.push_str("\n## For programs\n\n");
    for (path, what) in API {
        let _ = writeln!(text, "- [{path}]({}): {what}", engine.link(path));
    }
    text.push_str("\n## Chat models for sale\n\n");
    let listings = engine.listings(&Actor::Visitor);
    for listing in listings.iter().filter(|one| one.sale.is_open() && one.model.kind == Kind::Chat) {
        let id = &listing.model.id;
        let price = listing.buyer_rates().map_or_else(String::new, |(input, output)| {
            format!(", {} in and {} out per million tokens", input.per_million(), output.per_million())
        });
        let _ =
            writeln!(text, "- [{id}]({}): {}{price}", engine.link(&listing.href()), listing.model.summary());
    }
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text)
}

const API: [(&str, &str); 6] = [
    ("/openapi.json", "the REST interface, OpenAPI 3.1"),
    ("/docs/examples.json", "every operation called in curl, Python, JavaScript and Rust"),
    ("/api/v1/models", "every model with price, limits and whether it can be called, as JSON"),
    ("/api/v1/status", "how well vendors answer, as measured here"),
    ("/api/v1/plans", "the plans"),
    ("/api/v1/books", "whether the books balance, and the key that signs statements"),
];

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
