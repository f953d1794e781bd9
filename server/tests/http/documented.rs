//! The description of the interface is the interface, and the documents say what it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use server::{api, openapi};

use crate::support::{Answer, Market};

/// What is set to write anew what lies beside the code.
const RENEW: &str = "RENEW_DOCS";
/// What is not for the public, or answers with a page or a refusal alone.
const UNDESCRIBED: [&str; 8] = [
    "/api/v1/admin/",
    "/api/v1/webhooks/",
    "/openapi.json",
    "/images/edits",
    "/images/variations",
    "/audio/",
    "/responses/{id}",
    // Told apart into a model, who answers for it, and how well.
    "/models/{*id}",
];

/// Stands behind each example in Rust, so that it can be called from without.
const TO_RUN: &str = "pub fn run() -> Result<(), Box<dyn std::error::Error>> {\n    main()\n}\n";

fn beside_the_code(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

/// Method and path of everything the router answers, as it writes itself down.
fn routes() -> BTreeSet<String> {
    let written = format!("{:?}", api::routes());
    let mut routes = BTreeSet::new();
    let path_of = |id: &str| {
        let entry = format!("RouteId({id}): \"");
        let (_, rest) = written.split_once(&entry).expect("a route without a path");
        rest.split('"').next().unwrap().to_owned()
    };
    for route in written.split("RouteId(").skip(1) {
        let (id, rest) = route.split_once("): ").unwrap_or_default();
        let Some((_, allowed)) = rest.split_once("allow_header: Bytes(b\"") else { continue };
        for method in allowed.split('"').next().unwrap().split(',').filter(|method| *method != "HEAD") {
            routes.insert(format!("{method} {}", path_of(id)));
        }
    }
    routes
}

fn described() -> BTreeSet<String> {
    let document = openapi::document();
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, operations): (&String, &Value)| {
        let methods = operations.as_object().unwrap().keys().map(|method| method.to_uppercase());
        methods.map(|method| format!("{method} {path}")).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

/// The group of each operation, as a file is named.
fn groups() -> BTreeMap<String, String> {
    let document = openapi::document();
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let named = operations.map(|operation| {
        let group = operation["tags"][0].as_str().unwrap().to_lowercase().replace(' ', "_");
        (operation["operationId"].as_str().unwrap().to_owned(), group)
    });
    named.collect()
}

#[test]
fn every_route_is_described_and_everything_described_is_a_route() {
    let (routes, described) = (routes(), described());
    assert!(routes.len() > 90, "the router tells its routes otherwise now: {routes:?}");
    let is_public = |route: &&String| !UNDESCRIBED.iter().any(|part| route.contains(part));
    let missing: Vec<_> =
        routes.iter().filter(is_public).filter(|route| !described.contains(*route)).collect();
    assert!(missing.is_empty(), "name them in server/src/openapi.rs: {missing:?}");
    let is_model = |route: &&String| route.contains("/models/{author}/{slug}");
    let invented: Vec<_> =
        described.iter().filter(|route| !is_model(route) && !routes.contains(*route)).collect();
    assert!(invented.is_empty(), "{invented:?}");
}

#[test]
fn the_description_names_nothing_twice_and_nothing_that_is_not_there() {
    let document = openapi::document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut names = BTreeSet::new();
    for operation in
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values())
    {
        assert!(names.insert(operation["operationId"].as_str().unwrap()), "{}", operation["operationId"]);
        assert!(operation["summary"].is_string(), "{}", operation["operationId"]);
    }
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let place = reference.split('"').next().unwrap();
        assert!(document.pointer(place).is_some(), "{place} is named and not there");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_beside_the_code_is_what_the_server_tells() {
    let market = Market::open().await;
    let told = Answer::to(market.get("/openapi.json")).await.expect(200);
    let kept = fs::read_to_string(beside_the_code("openapi.json")).unwrap_or_default();
    assert!(
        told.text == kept,
        "the interface has changed; look at it with: cargo run -p server -- openapi > docs/openapi.json"
    );
    assert_eq!(told.headers["content-type"], "application/json");
    assert!(told.headers["cache-control"].to_str().unwrap().starts_with("public"));
    let again = market.get("/openapi.json").header("if-none-match", &told.headers["etag"]);
    Answer::to(again).await.expect(304);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_cannot_be_read_is_refused_in_the_readers_shape() {
    let market = Market::open().await;
    let ours = Answer::to(market.get("/api/v1/keys?limit=x")).await.expect(400);
    assert_eq!(ours.headers["content-type"], "application/problem+json");
    let theirs = Answer::to(market.get("/v1/models/%FF")).await.expect(400);
    assert_eq!(theirs.json()["error"]["type"], "invalid_request_error", "{}", theirs.text);
    let anthropic = market.get("/v1/models/%FF").header("anthropic-version", "2023-06-01");
    assert_eq!(Answer::to(anthropic).await.expect(400).json()["type"], "error");
    Answer::to(market.get("/api/v1/receipts/%FF")).await.expect(400).json();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_docs_are_read_without_scripts_and_say_this_address() {
    let market = Market::open().await;
    let contents = Answer::to(market.get("/docs")).await.expect(200).text;
    for wanted in
        ["POST /api/v1/chat/completions", "/docs/moving", "/openapi.json", &format!("{}/v1", market.base)]
    {
        assert!(contents.contains(wanted), "{wanted} is missing");
    }
    let calls = Answer::to(market.get("/docs/calls")).await.expect(200).text;
    for wanted in [
        "curl",
        "Python",
        "JavaScript",
        "Rust",
        "max_cost",
        "messages[].role",
        "text/event-stream",
        &market.base,
    ] {
        assert!(calls.contains(wanted), "{wanted} is missing");
    }
    let moving = Answer::to(market.get("/docs/moving")).await.expect(200).text;
    assert!(moving.contains(&format!("base_url=&quot;{}/v1&quot;", market.base)), "{moving}");
    Answer::to(market.get("/docs/nothing")).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_the_docs_can_be_found_and_articles_have_a_twin() {
    let market = Market::open().await;
    let map = Answer::to(market.get("/sitemap.xml")).await.expect(200).text;
    let base = &market.base;
    let pages: Vec<String> = map
        .split("<loc>")
        .filter_map(|part| part.split("</loc>").next()?.strip_prefix(base.as_str()).map(str::to_owned))
        .filter(|path| path.starts_with("/docs"))
        .collect();
    assert!(pages.len() >= 14, "{pages:?}");
    for page in pages {
        let text = Answer::to(market.get(&page)).await.expect(200).text;
        assert!(text.contains("<h1>") && text.contains("name=\"description\""), "{page}");
    }
    let twin = Answer::to(market.get("/docs/errors.md")).await.expect(200);
    assert_eq!(twin.headers["content-type"], "text/markdown; charset=utf-8");
    assert!(twin.text.starts_with("# Errors"));
    assert!(Answer::to(market.get("/llms.txt")).await.expect(200).text.contains("/docs/moving"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_in_rust_are_those_that_were_compiled() {
    let market = Market::open().await;
    let told = Answer::to(market.get("/docs/examples.json")).await.expect(200).json();
    let all = told["data"].as_array().unwrap();
    assert!(all.len() > 50 && all.iter().all(|one| one["samples"].as_object().unwrap().len() == 4), "{told}");
    let groups = groups();
    let (mut written, mut named) = (BTreeMap::<String, String>::new(), BTreeMap::<String, String>::new());
    for one in all {
        let id = one["id"].as_str().unwrap();
        let code = one["samples"]["rust"].as_str().unwrap().replace(&market.base, "http://127.0.0.1:3000");
        let file = format!("{}.rs", groups[id]);
        written.entry(file.clone()).or_default().push_str(&format!("mod {id} {{\n{code}\n{TO_RUN}}}\n\n"));
        named.entry(file).or_default().push_str(&format!("    (\"{id}\", {id}::run),\n"));
    }
    for (file, names) in named {
        let all = format!("pub const ALL: &[super::Example] = &[\n{names}];\n");
        written.entry(file).or_default().push_str(&all);
    }
    let place = beside_the_code("examples");
    if std::env::var_os(RENEW).is_some() {
        for (name, text) in &written {
            fs::write(place.join(name), text).unwrap();
        }
    }
    let named = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let kept: BTreeMap<_, _> =
        named.map(|name| (name.clone(), fs::read_to_string(place.join(name)).unwrap())).collect();
    assert!(kept == written, "renew them with: {RENEW}=1 cargo test -p server --test http compiled");
    let compiled = include_str!("examples.rs");
    for name in kept.keys() {
        assert!(compiled.contains(&format!("docs/examples/{name}\"")), "{name} is not in examples.rs");
    }
}
