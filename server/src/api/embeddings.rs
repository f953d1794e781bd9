//! `POST /embeddings`: texts as vectors, in OpenAI's shape, whichever vendor makes them.

mod request;

use axum::extract::State;
use axum::response::Response;
use engine::{Asked, Engine, MakeOrder, Route, to_base64};
use marketplace::fault::Fault;
use marketplace::id::ModelId;
use serde::Serialize;
use serde_json::{Map, Value, json};

use self::request::{Encoding, Wanted};
use super::idempotency::{Attempt, Sent, act};
use super::sale::{Bill, Wares, hand_over, with_cost};
use super::{ApiError, Family, response_cache};
use crate::auth::Asking;
use crate::openapi::shapes;

/// Puts texts into vectors.
#[utoipa::path(post, path = "/embeddings", tag = "Calls", request_body = shapes::EmbeddingRequest, responses((status = 200, body = Answer)))]
pub async fn embed(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Sent { body, once, cache }: Sent<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let wanted = request::parse(body).map_err(ApiError::openai)?;
    let once = once.map(|once| once.in_dialect(b"embeddings"));
    let buy = |attempt| buy(attempt, wanted);
    act(Attempt::new(engine, actor).with(cache), Route::Chat, once, buy).await.map_err(ApiError::openai)
}

async fn buy(attempt: Attempt, wanted: Wanted) -> Result<Response, Fault> {
    let Wanted { model, request, encoding, terms } = wanted;
    let asked = Asked::embedding(&model);
    if let Some(answer) = response_cache::find(&attempt, &asked, Family::OpenAi).await? {
        return Ok(answer);
    }
    let order = MakeOrder { model, request, cap: terms.max_cost, run: terms.run, id: attempt.call() };
    let making = attempt.engine.embed(&attempt.actor, order).await?;
    hand_over(attempt, making, |vectors, bill| answer(vectors, encoding, bill)).await
}

fn answer(vectors: Vec<Vec<f32>>, encoding: Encoding, bill: Bill) -> Answer {
    let written = |vector: Vec<f32>| match encoding {
        Encoding::Float => Vector::Numbers(vector),
        Encoding::Base64 => Vector::Base64(to_base64(&vector)),
    };
    let data = vectors.into_iter().enumerate();
    let data = data.map(|(index, vector)| Item { object: "embedding", index, embedding: written(vector) });
    let tokens = bill.settlement.usage.input_total();
    let usage = json!({ "prompt_tokens": tokens, "total_tokens": tokens });
    Answer {
        id: format!("gen-{}", bill.id),
        object: "list",
        data: data.collect(),
        model: bill.model,
        usage: with_cost(usage, &bill.settlement),
    }
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Embeddings)]
struct Answer {
    id: String,
    object: &'static str,
    data: Vec<Item>,
    model: ModelId,
    usage: Value,
}

impl Wares for Answer {
    fn usage(&mut self) -> &mut Value {
        &mut self.usage
    }
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Embedding)]
struct Item {
    object: &'static str,
    index: usize,
    embedding: Vector,
}

#[derive(Serialize, utoipa::ToSchema)]
#[serde(untagged)]
enum Vector {
    Numbers(Vec<f32>),
    Base64(String),
}
