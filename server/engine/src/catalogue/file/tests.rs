//! The catalogue that comes with the program, and what is refused of others.

use super::*;

fn all() -> Vec<Model> {
    parse(include_str!("../../../../../catalogue.toml")).unwrap()
}

#[test]
fn the_catalogue_is_whole() {
    let models = all();
    assert!(models.len() >= 53, "only {} models are listed", models.len());
    let ids: std::collections::HashSet<_> = models.iter().map(|model| &model.id).collect();
    assert_eq!(ids.len(), models.len(), "an id stands twice");
    for model in &models {
        let replacement = model.replacement.as_ref();
        assert!(
            replacement.is_none_or(|next| models.iter().any(|other| other.id == *next)),
            "{} is replaced by a model that is not here",
            model.id
        );
    }
}

#[test]
fn a_model_whose_protocol_is_no_longer_answered_names_a_current_one() {
    let models = all();
    let bison: Vec<_> = models.iter().filter(|model| model.protocol == "vertex_predict_bison").collect();
    assert_eq!(bison.len(), 2);
    for model in bison {
        let next = models.iter().find(|other| Some(&other.id) == model.replacement.as_ref()).unwrap();
        assert_eq!((model.status, next.status), (Status::Retired, Status::Active), "{}", model.id);
    }
}

#[test]
fn a_price_is_read_to_the_last_digit() {
    let models = all();
    let mini = models.iter().find(|model| model.id.as_str() == "openai/gpt-5-mini").unwrap();
    let rates = mini.price.as_ref().unwrap().rates;
    assert_eq!((rates.input, rates.output), (Rate(250_000_000), Rate(2_000_000_000)));
}

#[test]
fn every_offer_has_a_price_of_its_own_and_a_vendor_sells_a_model_once() {
    let models = all();
    let several: Vec<&Model> = models.iter().filter(|model| !model.offers.is_empty()).collect();
    assert!(several.len() >= 5, "only {} models have several offers", several.len());
    for model in &several {
        assert!(
            model.every_offer().all(|offer| offer.price.is_some()),
            "{} has an offer without a price",
            model.id
        );
    }
    // A report of a vendor names its own model: what is one of several offers must not be sold as another model too.
    let sold = |provider: &ProviderId, upstream: &str| {
        let offers = models.iter().flat_map(Model::every_offer);
        offers.filter(|offer| offer.provider == *provider && offer.upstream == upstream).count()
    };
    for offer in several.iter().flat_map(|model| model.every_offer()) {
        assert_eq!(sold(&offer.provider, &offer.upstream), 1, "{} of {}", offer.upstream, offer.provider);
    }
    let stanza = r#"[[model]]
        id = "a/b"
        name = "B"
        publisher = "a"
        provider = "a"
        upstream = "b"
        protocol = "openai_chat_completions"
        kind = "chat"
        status = "active"
        price = { input = "1", output = "2" }
        [[model.offers]]
        provider = "c"
        upstream = "x/b"
        price = { input = "3", output = "4" }"#;
    let read = parse(stanza).unwrap();
    let offer = &read[0].offers[0];
    assert_eq!((offer.provider.0.as_str(), offer.protocol.as_str()), ("c", "openai_chat_completions"));
    assert_eq!(offer.price.as_ref().unwrap().rates.output, Rate(4_000_000_000));
    assert_eq!((offer.context_tokens, offer.free), (None, false));
    let twice = stanza.replace(r#"provider = "c""#, r#"provider = "a""#);
    assert!(parse(&twice).unwrap_err().contains("twice"));
}

#[test]
fn a_picture_has_a_price_of_its_own() {
    let models = all();
    let of = |id: &str| models.iter().find(|model| model.id.as_str() == id).unwrap().price.clone().unwrap();
    assert_eq!(of("stability/sd3.5-medium").picture(), Some(Nanos(35_000_000)));
    assert_eq!(of("openai/gpt-image-2").picture(), None, "these are paid by the token");
    assert_eq!(of("openai/gpt-image-2").rates.output, Rate(30_000_000_000));
}

#[test]
fn what_has_no_price_is_not_free() {
    let unpriced: Vec<_> = all().into_iter().filter(|model| model.price.is_none()).collect();
    assert!(!unpriced.is_empty() && unpriced.iter().all(|model| !model.free));
    let stanza = r#"[[model]]
        id = "a/b"
        name = "B"
        publisher = "a"
        provider = "a"
        upstream = "b"
        protocol = "openai_chat_completions"
        kind = "chat"
        status = "active"
        price = { input = "0", output = "0" }"#;
    assert!(parse(stanza).unwrap_err().contains("free = true"));
    for wrong in ["-1", "-0.000000001", "NaN", "inf", "1e3", "0x5", "", "99999999999"] {
        let priced = stanza.replace(r#"input = "0""#, &format!(r#"input = "{wrong}""#));
        assert!(parse(&priced).unwrap_err().contains("a/b"), "{wrong:?} was taken for a price");
    }
    for number in ["nan", "-1.0", "5"] {
        let priced = stanza.replace(r#"input = "0""#, &format!("input = {number}"));
        assert!(parse(&priced).is_err(), "prices are text, and {number} is a number");
    }
    for wrong in ["0", "-0.01", "", "99999999"] {
        let priced = stanza.replace(r#"input = "0", output = "0""#, &format!(r#"picture = "{wrong}""#));
        assert!(parse(&priced).is_err(), "{wrong:?} was taken for the price of a picture");
    }
    let halved = stanza.replace(r#"input = "0", "#, "").replace(r#"output = "0""#, r#"output = "5""#);
    assert_eq!(parse(&halved).unwrap()[0].price, None, "an output price alone is no price");
}

pub const STANZA: &str = r#"[[model]]
    id = "lantern/glow-2"
    name = "Glow 2"
    publisher = "lantern"
    provider = "lantern"
    upstream = "glow-2"
    protocol = "openai_chat_completions"
    kind = "chat"
    status = "active"
    context_tokens = 128000
    price = { input = "0.40", output = "1.60" }
    "#;

fn later() -> String {
    let prices = r#"later_prices = [
        { from = "2027-01-01", input = "0.44", output = "1.60", long_context = { above_input_tokens = 9, input = "1" } },
        { from = "2027-06-01T12:00:00+02:00", free = true },
    ]
    "#;
    format!("{STANZA}{prices}")
}

#[test]
fn a_price_to_come_is_read_whole_and_with_its_moment() {
    let model = parse(&later()).unwrap().remove(0);
    let told: Vec<String> = model.later.iter().map(|next| written(next.from)).collect();
    assert_eq!(told, ["2027-01-01T00:00:00Z", "2027-06-01T10:00:00Z"]);
    let [next, last] = model.later.as_slice() else { panic!("{model:?}") };
    assert_eq!((next.price.rates.input, next.free), (Rate(440_000_000), false));
    assert_eq!(next.price.long_context.as_ref().unwrap().rates.input, Rate(1_000_000_000));
    assert_eq!((&last.price, last.free), (&Price::default(), true));
    assert_eq!(model.every_offer().next().unwrap().later, model.later);
}

#[test]
fn prices_to_come_that_overlap_or_say_too_little_are_refused() {
    for (wrong, why) in [
        (later().replace("2027-06-01T12:00:00+02:00", "2027-01-01T00:00:00Z"), "overlap"),
        (later().replace("2027-06-01T12:00:00+02:00", "2026-12-01"), "does not come after 2027-01-01"),
        (later().replace("2027-01-01", "next year"), "2027-01-01T00:00:00Z"),
        (later().replace("input = \"0.44\", output = \"1.60\"", "input = \"0.44\""), "both input and output"),
        (later().replace("\"0.44\", output = \"1.60\"", "\"0\", output = \"0\""), "free = true"),
    ] {
        let said = parse(&wrong).unwrap_err();
        assert!(said.contains("lantern/glow-2") && said.contains(why), "{why}: {said}");
    }
}
