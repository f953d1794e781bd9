//! `POST /images/generations`: pictures in OpenAI's shape, whichever vendor draws them.

mod request;

use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::{Engine, MakeOrder, Picture, PictureFormat, Route};
use marketplace::fault::Fault;
use serde_json::{Map, Value, json};

use self::request::Wanted;
use super::ApiError;
use super::chat::reply::now;
use super::idempotency::{Attempt, Sent, act};
use super::sale::{Bill, hand_over, with_cost};
use crate::auth::Asking;
use crate::openapi::shapes;

/// Draws pictures.
#[utoipa::path(post, path = "/images/generations", tag = "Calls", request_body = shapes::ImageRequest, responses((status = 200, body = shapes::Images)))]
pub async fn generate(
    State(engine): State<Engine>,
    Asking(actor): Asking,
    Sent { body, once, .. }: Sent<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let wanted = request::parse(body).map_err(ApiError::openai)?;
    let once = once.map(|once| once.in_dialect(b"images"));
    let buy = |attempt| buy(attempt, wanted);
    act(Attempt::new(engine, actor), Route::Chat, once, buy).await.map_err(ApiError::openai)
}

async fn buy(attempt: Attempt, wanted: Wanted) -> Result<Response, Fault> {
    let Wanted { model, request, terms } = wanted;
    let order = MakeOrder { model, request, cap: terms.max_cost, run: terms.run, id: attempt.call() };
    let making = attempt.engine.draw(&attempt.actor, order).await?;
    hand_over(attempt, making, answer).await
}

fn answer(pictures: Vec<Picture>, bill: Bill) -> Value {
    let format = pictures.first().map(|picture| match picture.format {
        PictureFormat::Png => "png",
        PictureFormat::Jpeg => "jpeg",
        PictureFormat::Webp => "webp",
    });
    let count = pictures.len();
    let data: Vec<Value> = pictures.into_iter().map(item).collect();
    json!({
        "id": format!("gen-{}", bill.id), "created": now(), "model": bill.model, "output_format": format,
        "data": data, "usage": usage(count, &bill),
    })
}

fn item(picture: Picture) -> Value {
    let mut item = json!({ "b64_json": STANDARD.encode(&picture.bytes) });
    if let Some(seed) = picture.seed {
        item["seed"] = json!(seed);
    }
    if picture.is_filtered {
        // The vendor blurred it because of what it shows, and bills it all the same.
        item["filtered"] = json!(true);
    }
    item
}

/// Tokens are told where pictures are paid by them.
fn usage(count: usize, bill: &Bill) -> Value {
    let tokens = bill.settlement.usage;
    let (input, output) = match bill.by_the_picture {
        true => (0, 0),
        false => (tokens.input_total(), tokens.output_total()),
    };
    let counted = json!({
        "pictures": count, "input_tokens": input, "output_tokens": output, "total_tokens": input + output,
    });
    with_cost(counted, &bill.settlement)
}
