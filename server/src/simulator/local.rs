//! The models on a simulated Ollama, which come and go as they do on a real one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Simulator;

const MODIFIED_AT: &str = "2026-11-22T08:00:00.123456789Z";

/// What is there at first: everything the catalogue knows of, a model it does not know, and one that makes vectors.
const AT_FIRST: [(&str, Model); 11] = [
    ("llama2:latest", Model::of("7B", 4_096, &["completion"])),
    ("llama2:13b", Model::of("13B", 4_096, &["completion"])),
    ("llama3:8b", Model::of("8B", 8_192, &["completion"])),
    ("llama3.1:latest", Model::of("8B", 131_072, &["completion", "tools"])),
    ("mistral:latest", Model::of("7B", 8_192, &["completion", "tools"])),
    ("codellama:latest", Model::of("7B", 4_096, &["completion"])),
    ("codegemma:latest", Model::of("9B", 8_192, &["completion"])),
    ("deepseek-coder-v2-lite-instruct:latest", Model::of("16B", 32_768, &["completion", "tools"])),
    ("gpt-oss:20b-cloud", Model::of("20B", 131_072, &["completion", "tools", "thinking"])),
    ("qwen3:4b", Model::of("4B", 40_960, &["completion", "tools", "thinking"])),
    ("nomic-embed-text:latest", Model::of("137M", 2_048, &["embedding"])),
];

/// What anybody may pull.
const PULLED: Model = Model::of("8B", 131_072, &["completion"]);

/// A model as its server describes it.
#[derive(Debug, Clone, Copy)]
struct Model {
    size: &'static str,
    context_tokens: u64,
    capabilities: &'static [&'static str],
}

impl Model {
    const fn of(size: &'static str, context_tokens: u64, capabilities: &'static [&'static str]) -> Self {
        Self { size, context_tokens, capabilities }
    }
}

/// The machine of one's own.
#[derive(Debug, Clone)]
pub struct Machine(Arc<Mutex<BTreeMap<String, Model>>>);

impl Default for Machine {
    fn default() -> Self {
        let models = AT_FIRST.into_iter().map(|(name, model)| (name.to_owned(), model));
        Self(Arc::new(Mutex::new(models.collect())))
    }
}

impl Machine {
    fn models(&self) -> MutexGuard<'_, BTreeMap<String, Model>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
struct Named {
    model: String,
}

type Told = Result<Json<Value>, (StatusCode, Json<Value>)>;

impl Named {
    /// Whatever type the body is said to be of.
    fn read(body: &[u8]) -> Result<Self, (StatusCode, Json<Value>)> {
        serde_json::from_slice(body)
            .map_err(|cause| (StatusCode::BAD_REQUEST, Json(json!({"error": cause.to_string()}))))
    }

    fn full(&self) -> String {
        if self.model.contains(':') { self.model.clone() } else { format!("{}:latest", self.model) }
    }

    fn missing(&self) -> (StatusCode, Json<Value>) {
        (StatusCode::NOT_FOUND, Json(json!({"error": format!("model '{}' not found", self.model)})))
    }
}

pub fn routes() -> Router<Simulator> {
    Router::new()
        .route("/tags", get(list))
        .route("/show", post(show))
        .route("/pull", post(pull))
        .route("/delete", delete(remove))
}

async fn list(State(simulator): State<Simulator>) -> Json<Value> {
    let models = simulator.machine.models();
    let listed = models.iter().map(|(name, model)| {
        let details = json!({"format": "gguf", "parameter_size": model.size, "quantization_level": "Q4_K_M"});
        let digest = format!("{:064x}", super::answer::seed(name, ""));
        json!({
            "name": name, "model": name, "modified_at": MODIFIED_AT, "size": 1_000_000, "digest": digest,
            "details": details,
        })
    });
    Json(json!({"models": listed.collect::<Value>()}))
}

async fn show(State(simulator): State<Simulator>, body: Bytes) -> Told {
    let asked = Named::read(&body)?;
    let model = simulator.machine.models().get(&asked.full()).copied().ok_or_else(|| asked.missing())?;
    let info = json!({"general.architecture": "simulated", "simulated.context_length": model.context_tokens});
    let details = json!({"format": "gguf", "parameter_size": model.size});
    Ok(Json(json!({"details": details, "model_info": info, "capabilities": model.capabilities})))
}

async fn pull(State(simulator): State<Simulator>, body: Bytes) -> Told {
    simulator.machine.models().insert(Named::read(&body)?.full(), PULLED);
    Ok(Json(json!({"status": "success"})))
}

async fn remove(State(simulator): State<Simulator>, body: Bytes) -> Told {
    let asked = Named::read(&body)?;
    let removed = simulator.machine.models().remove(&asked.full());
    removed.map(|_| Json(Value::Null)).ok_or_else(|| asked.missing())
}
