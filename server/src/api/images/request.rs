//! Reading what is to be drawn.

use engine::{PictureRequest, PictureSize, Routing};
use marketplace::fault::Fault;
use marketplace::id::ModelId;
use serde_json::{Map, Value};

use crate::api::chat::request::take_model;
use crate::api::sale::{Terms, take_tokens};

const SIDE_MAX: u32 = 8_192;

pub struct Wanted {
    pub model: ModelId,
    pub request: PictureRequest,
    pub terms: Terms,
}

/// What would change the picture and cannot be passed on is refused by name; fields we do not know are no error.
pub fn parse(mut body: Map<String, Value>) -> Result<Wanted, Fault> {
    let model = take_model(&mut body)?;
    let prompt = take_text(&mut body, "prompt")?.ok_or_else(|| Fault::invalid("prompt", "is missing"))?;
    if take_text(&mut body, "response_format")?.is_some_and(|format| format != "b64_json") {
        return Err(Fault::invalid("response_format", "must be b64_json: pictures are sent, not stored"));
    }
    if body.remove("stream").is_some_and(|stream| !stream.is_null() && stream != false) {
        return Err(Fault::invalid("stream", "must be false: pictures come whole"));
    }
    for (field, usual) in [("background", "auto"), ("output_format", "png"), ("moderation", "auto")] {
        if take_text(&mut body, field)?.is_some_and(|word| word != usual) {
            return Err(Fault::invalid(field, &format!("must be {usual}")));
        }
    }
    let count = take_tokens(&mut body, "n")?
        .map(|count| u32::try_from(count).map_err(|_| Fault::invalid("n", "is too large")))
        .transpose()?;
    let request = PictureRequest {
        prompt,
        negative_prompt: take_text(&mut body, "negative_prompt")?,
        count,
        size: take_size(&mut body)?,
        seed: take_seed(&mut body)?,
        quality: take_text(&mut body, "quality")?.filter(|word| word != "auto"),
    };
    Ok(Wanted { model, request, terms: Terms::take(&mut body, Routing::default())? })
}

fn take_text(body: &mut Map<String, Value>, field: &str) -> Result<Option<String>, Fault> {
    match body.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Fault::invalid(field, "must be text")),
    }
}

fn take_seed(body: &mut Map<String, Value>) -> Result<Option<u64>, Fault> {
    match body.remove("seed") {
        None | Some(Value::Null) => Ok(None),
        Some(seed) => {
            let seed = seed.as_u64().filter(|seed| u32::try_from(*seed).is_ok());
            seed.map(Some).ok_or_else(|| Fault::invalid("seed", "must be a whole number below 4294967296"))
        }
    }
}

/// `1024x1024`; `auto` leaves it to the model.
fn take_size(body: &mut Map<String, Value>) -> Result<Option<PictureSize>, Fault> {
    let Some(text) = take_text(body, "size")?.filter(|text| text != "auto") else { return Ok(None) };
    let side = |text: &str| text.parse().ok().filter(|side| (1..=SIDE_MAX).contains(side));
    let sides = text.split_once('x').and_then(|(width, height)| Some((side(width)?, side(height)?)));
    let (width, height) = sides.ok_or_else(|| Fault::invalid("size", "must be like 1024x1024, or auto"))?;
    Ok(Some(PictureSize { width, height }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(fields: Value) -> Result<Wanted, Fault> {
        let mut body = json!({"model": "openai/gpt-image-2", "prompt": "a lighthouse"});
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        parse(body.as_object().unwrap().clone())
    }

    #[test]
    fn a_picture_is_asked_for_as_openai_s_clients_do() {
        let fields = json!({"n": 2, "size": "1536x1024", "quality": "high", "response_format": "b64_json", "user": "me"});
        let request = parsed(fields).unwrap().request;
        assert_eq!((request.count, request.quality.as_deref()), (Some(2), Some("high")));
        assert_eq!(request.size, Some(PictureSize { width: 1_536, height: 1_024 }));
        let auto = json!({"size": "auto", "quality": "auto", "background": "auto", "stream": false});
        assert_eq!(parsed(auto).unwrap().request, parsed(json!({})).unwrap().request);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (field, value) in [
            ("prompt", json!(null)),
            ("prompt", json!(["a"])),
            ("n", json!(0)),
            ("size", json!("large")),
            ("size", json!("0x5")),
            ("size", json!("1024x99999")),
            ("seed", json!(-1)),
            ("seed", json!(4_294_967_296_u64)),
            ("response_format", json!("url")),
            ("stream", json!(true)),
            ("background", json!("transparent")),
            ("output_format", json!("webp")),
        ] {
            let fault = parsed(json!({field: value.clone()})).err().unwrap();
            assert_eq!(fault.field.as_deref(), Some(field), "{value}");
        }
    }
}
