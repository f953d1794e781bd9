//! Models brought in from a file: first seen, then done, and kept.

use std::path::PathBuf;

use uuid::Uuid;

use crate::support::{Answer, Market};

const STANZA: &str = r#"[[model]]
id = "lantern/glow-2"
name = "Glow 2"
publisher = "lantern"
provider = "openai"
upstream = "glow-2"
protocol = "openai_chat_completions"
kind = "chat"
status = "active"
context_tokens = 128000
input = ["text"]
output = ["text"]
price = { input = "0.40", output = "1.60" }
"#;

fn file(text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("mercato-import-{}.toml", Uuid::now_v7().simple()));
    std::fs::write(&path, text).unwrap();
    path
}

/// What the command says of this file.
async fn import(market: &Market, text: &str, arguments: &[&str]) -> String {
    let path = file(text);
    let said = market.mercato(&[&["catalogue", "import", path.to_str().unwrap()], arguments].concat()).await;
    std::fs::remove_file(path).unwrap();
    assert!(said.worked, "{}", said.text);
    said.text
}

const VERSIONS: &str = "select count(*) from price where model_id = 'lantern/glow-2'";

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_what_would_change_and_changes_nothing() {
    let market = Market::open().await;
    let told = import(&market, STANZA, &["--dry-run"]).await;
    for wanted in
        ["+ lantern/glow-2", "its first price", "1 new, 0 changed, 0 as they are; 1 prices change", "dry run"]
    {
        assert!(told.contains(wanted), "{wanted} is missing in {told}");
    }
    assert_eq!(market.count(VERSIONS).await, 0);
    assert_eq!(market.count("select count(*) from imported_model").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_kept_and_a_changed_price_is_a_new_version_unless_it_leaps() {
    let market = Market::open().await;
    import(&market, STANZA, &["--reason", "a new vendor"]).await;
    assert_eq!(market.count(VERSIONS).await, 1);
    // Whoever starts now knows it, and to bring in the same again changes nothing.
    let again = import(&market, STANZA, &["--dry-run"]).await;
    assert!(again.contains("0 new, 0 changed, 1 as they are; 0 prices change"), "{again}");
    let dearer = STANZA.replace("0.40", "0.44").replace("128000", "200000");
    let told = import(&market, &dearer, &["--reason", "their price list of December"]).await;
    for wanted in ["context_tokens: 128000 → 200000", "a new version, from now on"] {
        assert!(told.contains(wanted), "{wanted} is missing in {told}");
    }
    assert_eq!(market.count(VERSIONS).await, 2);
    let leap = import(&market, &STANZA.replace("0.40", "4.00"), &["--reason", "a typing error"]).await;
    assert!(leap.contains("waits"), "{leap}");
    assert_eq!(market.count(VERSIONS).await, 2);
    assert_eq!(market.count("select count(*) from price_change where state = 'waiting'").await, 1);
    let audited = "select count(*) from audit_event where action = 'catalogue.import' and reason <> ''";
    assert_eq!(market.count(audited).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_models_price_history_tells_both_versions() {
    let market = Market::open().await;
    let own = include_str!("../../../catalogue.toml");
    let stanza = own.split("[[model]]").find(|stanza| stanza.contains("id = \"openai/gpt-5-mini\"")).unwrap();
    let dearer = format!("[[model]]{}", stanza.replace("output = \"2\"", "output = \"2.10\""));
    assert!(dearer.contains("2.10"), "{dearer}");
    import(&market, &dearer, &["--reason", "a little dearer"]).await;
    let page = Answer::to(market.get("/models/openai/gpt-5-mini")).await.expect(200).text;
    let history = page.split("Price history here").nth(1).unwrap();
    assert!(history.contains("$2.8572") && history.contains("$3.0000"), "{history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_catalogue_is_refused_whole() {
    let market = Market::open().await;
    let wrong = file(&format!("{STANZA}\n[[model]]\nid = \"lantern/half\"\n"));
    let said = market.mercato(&["catalogue", "import", wrong.to_str().unwrap(), "--reason", "why not"]).await;
    assert!(!said.worked && said.text.contains("no catalogue"), "{}", said.text);
    let unsaid = market.mercato(&["catalogue", "import", wrong.to_str().unwrap()]).await;
    assert!(!unsaid.worked && unsaid.text.contains("--reason"), "{}", unsaid.text);
    std::fs::remove_file(wrong).unwrap();
    assert_eq!(market.count("select count(*) from imported_model").await, 0);
}

/// The same model, a tenth dearer from this moment on.
fn dearer_from(moment: &str) -> String {
    let later = format!("later_prices = [{{ from = \"{moment}\", input = \"0.44\", output = \"1.60\" }}]\n");
    format!("{STANZA}{later}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_of_the_future_is_shown_kept_and_taken_back() {
    let market = Market::open().await;
    import(&market, STANZA, &["--reason", "a new vendor"]).await;
    let coming = dearer_from("2099-01-01");
    let told = import(&market, &coming, &["--dry-run"]).await;
    for wanted in
        ["a new version, from 2099-01-01T00:00:00Z on", "0 new, 0 changed, 1 as they are; 1 prices change"]
    {
        assert!(told.contains(wanted), "{wanted} is missing in {told}");
    }
    assert_eq!(market.count(VERSIONS).await, 1);
    import(&market, &coming, &["--reason", "their letter of today"]).await;
    assert_eq!(market.count(VERSIONS).await, 2);
    let begins = "select count(*) from price where model_id = 'lantern/glow-2' and valid_during @> '2099-01-01T00:00:00Z'::timestamptz
        and not valid_during @> '2098-12-31T23:59:59Z'::timestamptz and terms ->> 'input' = '440000000'";
    assert_eq!(market.count(begins).await, 1);
    let again = import(&market, &coming, &["--dry-run"]).await;
    assert!(again.contains("0 prices change"), "{again}");
    let leap = import(&market, &coming.replace("0.44", "4.40"), &["--dry-run"]).await;
    assert!(leap.contains("from 2099-01-01T00:00:00Z on, leaps") && leap.contains("taken back"), "{leap}");
    let gone = import(&market, STANZA, &["--reason", "they thought better of it"]).await;
    assert!(gone.contains("taken back: the one from 2099-01-01T00:00:00Z on"), "{gone}");
    assert_eq!(market.count("select count(*) from price where lower(valid_during) > now()").await, 0);
    market.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_that_begin_in_the_past_or_overlap_are_refused_whole() {
    let market = Market::open().await;
    let one = "{ from = \"2099-01-01\", input = \"0.44\", output = \"1.60\" }";
    let twice = format!("{STANZA}later_prices = [{one}, {one}]\n");
    for (text, why) in [
        (dearer_from("2026-01-01T00:00:00Z"), "begin in the past: 2026-01-01T00:00:00Z"),
        (twice, "overlap: 2099-01-01 does not come after 2099-01-01T00:00:00Z"),
        (dearer_from("soon"), "begin at soon"),
    ] {
        let path = file(&text);
        for how in [["--dry-run", ""], ["--reason", "why not"]] {
            let arguments = ["catalogue", "import", path.to_str().unwrap(), how[0], how[1]];
            let said = market.mercato(&arguments[..if how[1].is_empty() { 4 } else { 5 }]).await;
            assert!(!said.worked && said.text.contains(why), "{why}: {}", said.text);
        }
        std::fs::remove_file(path).unwrap();
    }
    assert_eq!(market.count(VERSIONS).await + market.count("select count(*) from imported_model").await, 0);
}
