//! What servers of the operator's own say of their models, composed and over a socket.

use std::path::Path;

use providers::{Limits, LocalModel, ollama};
use serde_json::{Value, json};

use super::vendor;

/// A composed answer of the one protocol, and what is to be made of it.
fn sample(protocol: &str) -> (Vec<u8>, Value) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let mut of_it =
        manifest["samples"].as_array().unwrap().iter().filter(|sample| sample["protocol"] == protocol);
    let sample = of_it.next().unwrap();
    assert!(of_it.next().is_none(), "a second sample of {protocol} is not read");
    (std::fs::read(folder.join(sample["file"].as_str().unwrap())).unwrap(), sample["expect"].clone())
}

fn names(models: &[LocalModel]) -> Value {
    models.iter().map(|model| model.name.as_str()).collect()
}

#[test]
fn a_list_and_a_description_are_read_as_expected() {
    let (tags, expected) = sample("ollama_tags");
    let models = ollama::decode_tags(&tags).unwrap();
    assert_eq!(names(&models), expected["models"]);
    assert_eq!(models[0].parameters_billion.as_deref(), Some("7"));
    let (shown, expected) = sample("ollama_show");
    let model = ollama::decode_show(models[0].clone(), &shown).unwrap();
    let read = json!([model.context_tokens, model.capabilities]);
    assert_eq!(read, json!([expected["context_length"], expected["capabilities"]]));
}

#[tokio::test]
async fn a_model_is_described_once_for_as_long_as_it_stays_the_same() {
    let ollama = vendor::Vendor::start().await;
    let (sender, provider) = (ollama.sender(Limits::default()), ollama.provider("ollama"));
    let (tags, shown) = (sample("ollama_tags").0, sample("ollama_show").0);
    // Each question, and what it is answered with.
    let answering = async |answers: &[(&str, u16, &[u8])]| {
        for (question, status, body) in answers {
            let (asked, mut socket) = ollama.asked().await;
            assert!(asked.starts_with(question), "{asked}");
            let head = [("content-type", "application/json"), ("connection", "close")];
            vendor::say(&mut socket, *status, &head, &[body]).await;
            vendor::end(&mut socket).await;
        }
    };
    let first: [(&str, u16, &[u8]); 3] = [
        ("GET /ollama/api/tags", 200, &tags),
        ("POST /ollama/api/show", 200, &shown),
        ("POST /ollama/api/show", 404, br#"{"error": "model not found"}"#),
    ];
    let (models, ()) = tokio::join!(sender.list_local(&provider, &[]), answering(&first));
    let models = models.unwrap();
    assert_eq!((names(&models), models[0].context_tokens), (json!(["llama2:latest"]), Some(4_096)));
    let again: [(&str, u16, &[u8]); 2] = [first[0], ("POST /ollama/api/show", 200, &shown)];
    let (more, ()) = tokio::join!(sender.list_local(&provider, &models), answering(&again));
    assert_eq!(names(&more.unwrap()), json!(["llama2:latest", "nomic-embed-text:latest"]));
    let refused: [(&str, u16, &[u8]); 1] = [("GET /ollama/api/tags", 502, b"<html>")];
    let (none, ()) = tokio::join!(sender.list_local(&provider, &models), answering(&refused));
    assert_eq!(none.unwrap_err().message, "answered with status 502");
}
