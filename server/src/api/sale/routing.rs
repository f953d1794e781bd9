//! Who may answer: `model` and `models`, whose ends the engine understands, and the fields of `provider`, as OpenRouter's clients send them.

use engine::{MODELS_MAX, Routing, WhenShort};
use marketplace::chat::REQUIRE_PARAMETERS;
use marketplace::fault::Fault;
use marketplace::id::{ModelId, ProviderId, QuoteId};
use marketplace::money::Rate;
use marketplace::route::{Fallbacks, MaxPrice, Preferences, Sort};
use serde_json::{Map, Value};

/// More names than there are vendors say nothing more.
const NAMES_MAX: usize = 64;

type Fields = Map<String, Value>;

/// The model that is asked for and who may answer for it. What is taken is not sent on to any vendor.
pub fn take_routing(
    body: &mut Fields,
    parse: fn(&str) -> Result<ModelId, Fault>,
) -> Result<(ModelId, Routing), Fault> {
    let model = match given(body, "model") {
        Some(Value::String(name)) => Some(name),
        Some(_) => return Err(Fault::invalid("model", "must be a string")),
        None => None,
    };
    let mut names = strings(body, "models", MODELS_MAX)?;
    // Old clients say this where there is a list; there is no other way.
    body.remove("route");
    let model = match model {
        Some(name) => name,
        None if names.is_empty() => return Err(Fault::invalid("model", "is missing")),
        None => names.remove(0),
    };
    let (model, mut models) = (parse(&model)?, Vec::new());
    for name in &names {
        models.push(parse(name).map_err(|fault| Fault { field: Some("models".to_owned()), ..fault })?);
    }
    let mut preferences = match given(body, "provider") {
        None => Preferences::default(),
        Some(Value::Object(mut fields)) => {
            if let Some(required) = given(&mut fields, REQUIRE_PARAMETERS) {
                body.insert(REQUIRE_PARAMETERS.to_owned(), required);
            }
            preferences(fields)?
        }
        Some(_) => return Err(Fault::invalid("provider", "must be an object")),
    };
    if preferences.fallbacks == Fallbacks::default() && !models.is_empty() {
        preferences.fallbacks = Fallbacks::Always;
    }
    let (quote, when_short) = (quote(body)?, when_short(body)?);
    Ok((model, Routing { preferences, models, quote, when_short, ..Routing::default() }))
}

/// The promise of a price, and nobody else may then be preferred.
fn quote(body: &mut Fields) -> Result<Option<QuoteId>, Fault> {
    match given(body, "quote_id") {
        None => Ok(None),
        Some(Value::String(id)) => QuoteId::parse(&id)
            .map(Some)
            .map_err(|_| Fault::invalid("quote_id", "is not one that POST /api/v1/quote has given")),
        Some(_) => Err(Fault::invalid("quote_id", "must be a string")),
    }
}

fn when_short(body: &mut Fields) -> Result<WhenShort, Fault> {
    match given(body, "on_insufficient").as_ref().map(|value| value.as_str().unwrap_or_default()) {
        None => Ok(WhenShort::default()),
        Some("clamp_output") => Ok(WhenShort::Clamp),
        Some("refuse") => Ok(WhenShort::Refuse),
        Some("cheaper_model") => Ok(WhenShort::Cheaper),
        Some(_) => Err(Fault::invalid("on_insufficient", "must be refuse, clamp_output or cheaper_model")),
    }
}

fn preferences(mut fields: Fields) -> Result<Preferences, Fault> {
    refuse_unknowable(&fields)?;
    let order = providers(&mut fields, "order")?;
    let fallbacks = match given(&mut fields, "allow_fallbacks") {
        Some(Value::Bool(false)) => Fallbacks::Never,
        Some(Value::Bool(true)) => Fallbacks::Always,
        Some(_) => return Err(Fault::invalid("provider.allow_fallbacks", "must be true or false")),
        // Whoever names several wants the next one when the one before it fails.
        None if order.len() > 1 => Fallbacks::Always,
        None => Fallbacks::default(),
    };
    Ok(Preferences {
        order,
        only: providers(&mut fields, "only")?,
        ignore: providers(&mut fields, "ignore")?,
        sort: sort(given(&mut fields, "sort"))?,
        max_price: max_price(given(&mut fields, "max_price"))?,
        fallbacks,
    })
}

/// What somebody relies on is not silently left undone.
fn refuse_unknowable(fields: &Fields) -> Result<(), Fault> {
    let asks = |field: &str, usual: &[Value]| {
        fields.get(field).is_some_and(|value| !value.is_null() && !usual.contains(value))
    };
    let wanted = [
        ("data_collection", asks("data_collection", &["allow".into()])),
        ("zdr", asks("zdr", &[false.into()])),
        ("quantizations", asks("quantizations", &[Value::Array(Vec::new())])),
    ];
    match wanted.into_iter().find(|(_, is_asked)| *is_asked) {
        Some((field, _)) => Err(Fault::invalid(
            &format!("provider.{field}"),
            "cannot be promised: vendors are not asked for it here",
        )),
        None => Ok(()),
    }
}

fn providers(fields: &mut Fields, field: &str) -> Result<Vec<ProviderId>, Fault> {
    let names = strings(fields, field, NAMES_MAX).map_err(|fault| Fault {
        field: Some(format!("provider.{field}")),
        message: format!("provider.{}", fault.message),
        ..fault
    })?;
    Ok(names.iter().map(|name| ProviderId::spelt(name)).collect())
}

fn sort(value: Option<Value>) -> Result<Option<Sort>, Fault> {
    let name = match value {
        None => return Ok(None),
        Some(Value::Object(mut fields)) => fields.remove("by").unwrap_or(Value::Null),
        Some(name) => name,
    };
    match name.as_str() {
        Some("price") => Ok(Some(Sort::Price)),
        Some("latency") => Ok(Some(Sort::Latency)),
        Some("throughput") => Ok(Some(Sort::Throughput)),
        Some("exacto") => Ok(Some(Sort::Success)),
        _ => Err(Fault::invalid("provider.sort", "must be price, latency, throughput or exacto")),
    }
}

/// Dollars for a million tokens, as numbers or as text. Nothing here is sold by the request or the picture.
fn max_price(value: Option<Value>) -> Result<MaxPrice, Fault> {
    let mut fields = match value {
        None => return Ok(MaxPrice::default()),
        Some(Value::Object(fields)) => fields,
        Some(_) => return Err(Fault::invalid("provider.max_price", "must be an object")),
    };
    let mut rate = |field: &str| {
        let text = match given(&mut fields, field) {
            None => return Ok(None),
            Some(Value::String(text)) => text,
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => String::new(),
        };
        let wrong = || {
            let field = format!("provider.max_price.{field}");
            Fault::invalid(&field, "must be dollars for a million tokens, for example 0.5")
        };
        Rate::parse_usd(&text).map(Some).map_err(|_| wrong())
    };
    Ok(MaxPrice { prompt: rate("prompt")?, completion: rate("completion")? })
}

fn strings(fields: &mut Fields, field: &str, most: usize) -> Result<Vec<String>, Fault> {
    let Some(list) = given(fields, field) else { return Ok(Vec::new()) };
    let names: Vec<String> =
        serde_json::from_value(list).map_err(|_| Fault::invalid(field, "must be a list of names"))?;
    if names.len() > most {
        return Err(Fault::invalid(field, &format!("may have {most} names at most")));
    }
    Ok(names)
}

fn given(fields: &mut Fields, field: &str) -> Option<Value> {
    fields.remove(field).filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn taken(body: Value) -> Result<(ModelId, Routing, Fields), Fault> {
        let Value::Object(mut body) = body else { panic!("a test gave no object") };
        let (model, routing) = take_routing(&mut body, ModelId::parse)?;
        Ok((model, routing, body))
    }

    #[test]
    fn every_preference_is_read_and_nothing_of_them_travels_on() {
        let (model, routing, rest) = taken(json!({
            "model": "openai/gpt-oss-120b:nitro", "models": ["zai/glm-5.3:floor"], "route": "fallback", "seed": 1,
            "provider": {
                "order": ["Groq", "Hugging Face"], "only": ["groq"], "ignore": ["together"], "allow_fallbacks": false, "sort": "exacto",
                "max_price": {"prompt": 0.5, "completion": "1.25", "request": 0}, "require_parameters": true,
                "data_collection": "allow", "zdr": false,
            },
        }))
        .unwrap();
        // The engine knows what a colon stands for.
        assert_eq!(model.as_str(), "openai/gpt-oss-120b:nitro");
        assert_eq!(routing.models, [ModelId::parse("zai/glm-5.3:floor").unwrap()]);
        let provider = |id: &str| ProviderId(id.to_owned());
        assert_eq!(
            routing.preferences,
            Preferences {
                order: vec![provider("groq"), provider("huggingface")],
                only: vec![provider("groq")],
                ignore: vec![provider("together")],
                sort: Some(Sort::Success),
                max_price: MaxPrice {
                    prompt: Some(Rate(500_000_000)),
                    completion: Some(Rate(1_250_000_000))
                },
                fallbacks: Fallbacks::Never,
            }
        );
        // The one that the sender heeds, and tells nobody.
        assert_eq!(rest.keys().collect::<Vec<_>>(), [REQUIRE_PARAMETERS, "seed"]);
    }

    #[test]
    fn a_sort_is_written_in_two_ways_and_a_list_can_stand_for_the_model() {
        let (_, routing, _) =
            taken(json!({"model": "a/b", "provider": {"sort": {"by": "latency"}}})).unwrap();
        assert_eq!(routing.preferences.sort, Some(Sort::Latency));
        let (model, routing, _) = taken(json!({"models": ["a/b", "c/d"]})).unwrap();
        assert_eq!((model.as_str(), routing.preferences.sort), ("a/b", None));
        assert_eq!(routing.models, [ModelId::parse("c/d").unwrap()]);
    }

    #[test]
    fn a_second_vendor_is_wanted_by_whoever_names_one() {
        let fallbacks = |more: Value| {
            let mut body = json!({"model": "a/b"});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            taken(body).unwrap().1.preferences.fallbacks
        };
        assert_eq!(fallbacks(json!({})), Fallbacks::IfIdle);
        assert_eq!(fallbacks(json!({"provider": {"order": ["groq"]}})), Fallbacks::IfIdle);
        assert_eq!(fallbacks(json!({"provider": {"order": ["groq", "together"]}})), Fallbacks::Always);
        assert_eq!(fallbacks(json!({"models": ["c/d"]})), Fallbacks::Always);
        assert_eq!(
            fallbacks(json!({"models": ["c/d"], "provider": {"allow_fallbacks": false}})),
            Fallbacks::Never
        );
        assert_eq!(fallbacks(json!({"provider": {"allow_fallbacks": true}})), Fallbacks::Always);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (field, more) in [
            ("model", json!({"model": 3})),
            ("model", json!({"model": null})),
            ("models", json!({"models": "c/d"})),
            ("models", json!({"models": ["nothing"]})),
            ("models", json!({"models": vec!["c/d"; MODELS_MAX + 1]})),
            ("provider", json!({"provider": "groq"})),
            ("provider.order", json!({"provider": {"order": "groq"}})),
            ("provider.sort", json!({"provider": {"sort": "beauty"}})),
            ("provider.allow_fallbacks", json!({"provider": {"allow_fallbacks": "no"}})),
            ("provider.max_price", json!({"provider": {"max_price": 3}})),
            ("provider.max_price.prompt", json!({"provider": {"max_price": {"prompt": -1}}})),
            ("provider.zdr", json!({"provider": {"zdr": true}})),
            ("provider.data_collection", json!({"provider": {"data_collection": "deny"}})),
            ("provider.quantizations", json!({"provider": {"quantizations": ["fp8"]}})),
        ] {
            let mut body = json!({"model": "a/b"});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            assert_eq!(taken(body).err().and_then(|fault| fault.field).as_deref(), Some(field), "{more}");
        }
    }
}
