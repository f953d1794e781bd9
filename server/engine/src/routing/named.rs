//! What the end of a model's name asks for: `:free`, `:floor`, `:thinking` and their like, or the name of a vendor.

use std::sync::Arc;

use marketplace::chat::{ANTHROPIC_ONLY, ChatRequest};
use marketplace::fault::{Code, Fault};
use marketplace::id::{ModelId, ProviderId};
use marketplace::model::{Listing, Model};
use marketplace::route::{Suffix, split_ends};
use providers::Registry;
use serde_json::{Map, Value};

use super::Routing;
use crate::catalogue::{Catalogue, OnSale};
use crate::{Actor, Engine};

/// Which offers of a model may answer, as the end of its name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Narrowing {
    /// That cost nothing.
    Free,
    /// With the longest window there is.
    Longest,
    /// Whose functions can be called.
    Tools,
    /// Of this vendor.
    Vendor(ProviderId),
}

/// A name without its ends, and what they say.
struct Named {
    model: ModelId,
    suffixes: Vec<Suffix>,
    vendors: Vec<ProviderId>,
}

impl Engine {
    /// The model that is meant by a name, whatever stands behind it.
    pub fn model_named(&self, actor: &Actor, name: &ModelId) -> crate::Result<Listing> {
        let named = read(&self.0.catalogue.load(), name)?;
        self.model(actor, named.as_ref().map_or(name, |named| &named.model))
    }

    /// Puts the ends of names into what they ask for. Names without one cost nothing.
    pub(crate) fn understand(&self, request: &mut ChatRequest, routing: &mut Routing) -> Result<(), Fault> {
        let names = std::iter::once(&request.model).chain(&routing.models);
        if !names.clone().any(|name| name.as_str().contains(':')) {
            return Ok(());
        }
        let catalogue = self.0.catalogue.load();
        let read = names.map(|name| read(&catalogue, name)).collect::<Result<Vec<_>, Fault>>()?;
        for (at, named) in read.into_iter().enumerate() {
            routing.narrowed.push(named.as_ref().map(Named::narrowings).unwrap_or_default());
            let Some(Named { model, suffixes, .. }) = named else { continue };
            if let Some(other) = at.checked_sub(1).and_then(|at| routing.models.get_mut(at)) {
                // How hard to think is said once for all that may answer.
                if suffixes.contains(&Suffix::Thinking) {
                    let problem =
                        format!("cannot have {model}:thinking in second place: say reasoning instead");
                    return Err(Fault::invalid("models", &problem));
                }
                *other = model;
                continue;
            }
            let sort = suffixes.iter().find_map(|suffix| suffix.sort());
            routing.preferences.sort = routing.preferences.sort.or(sort);
            if suffixes.contains(&Suffix::Thinking) {
                let vendors = self.0.vendors.load();
                think(&catalogue, &vendors.registry, &model, request)?;
            }
            request.model = model;
        }
        Ok(())
    }
}

impl Named {
    fn narrowings(&self) -> Vec<Narrowing> {
        let narrowing = |suffix: &Suffix| match suffix {
            Suffix::Free => Some(Narrowing::Free),
            Suffix::Extended => Some(Narrowing::Longest),
            Suffix::Exacto => Some(Narrowing::Tools),
            Suffix::Floor | Suffix::Nitro | Suffix::Thinking => None,
        };
        let vendors = self.vendors.iter().cloned().map(Narrowing::Vendor);
        // The longest window is looked for among those that are left by the others.
        let (longest, others): (Vec<_>, Vec<_>) =
            self.suffixes.iter().filter_map(narrowing).partition(|one| *one == Narrowing::Longest);
        vendors.chain(others).chain(longest).collect()
    }
}

impl Narrowing {
    /// Those of the offers that may answer, at least one.
    pub(super) fn among(
        &self,
        found: Vec<Arc<OnSale>>,
        registry: &Registry,
    ) -> Result<Vec<Arc<OnSale>>, Fault> {
        let model = found.first().map(|first| first.model.id.to_string()).unwrap_or_default();
        let longest = found.iter().filter_map(|offer| window(&offer.model)).max();
        let is_meant = |offer: &Arc<OnSale>| match self {
            Self::Free => offer.model.free,
            Self::Longest => longest.is_some() && window(&offer.model) == longest,
            Self::Tools => offer.model.can("tools") && takes_tools(registry, &offer.model),
            Self::Vendor(vendor) => offer.model.provider == *vendor,
        };
        let left: Vec<_> = found.into_iter().filter(is_meant).collect();
        if !left.is_empty() {
            return Ok(left);
        }
        let message = match self {
            Self::Free => format!("No offer of {model} is free of charge"),
            Self::Longest => format!("How much {model} reads is not known of any offer"),
            Self::Tools => format!("It is not known of any offer of {model} that functions can be called"),
            Self::Vendor(vendor) => format!("{model} cannot be had of {vendor} right now"),
        };
        Err(Fault { field: Some("model".to_owned()), ..Fault::new(Code::NotFound, message) })
    }
}

/// What stands behind a name; nothing does behind one that is known as it stands, or not at all.
fn read(catalogue: &Catalogue, name: &ModelId) -> Result<Option<Named>, Fault> {
    let Some((model, ends)) = split_ends(name.as_str(), |name| catalogue.find(name).is_some()) else {
        return Ok(None);
    };
    let (mut suffixes, mut vendors) = (Vec::new(), Vec::new());
    let sellers = || catalogue.find(model).into_iter().flat_map(|listing| listing.model.every_offer());
    for end in ends {
        let vendor = ProviderId::spelt(end);
        match Suffix::parse(end) {
            Some(suffix) => suffixes.push(suffix),
            None if sellers().any(|offer| offer.provider == vendor) => vendors.push(vendor),
            None => {
                let theirs: Vec<String> = sellers().map(|offer| format!(":{}", offer.provider)).collect();
                let message = format!(
                    "{model} has no ending :{end}; there are {}, and those that sell it: {}",
                    Suffix::KNOWN,
                    theirs.join(", ")
                );
                return Err(Fault { field: Some("model".to_owned()), ..Fault::new(Code::NotFound, message) });
            }
        }
    }
    Ok(Some(Named { model: ModelId::parse(model)?, suffixes, vendors }))
}

/// Has a model think, unless the request says itself how much it is to.
fn think(
    catalogue: &Catalogue,
    registry: &Registry,
    name: &ModelId,
    request: &mut ChatRequest,
) -> Result<(), Fault> {
    let Some(listing) = catalogue.find(name.as_str()) else { return Ok(()) };
    let model = &listing.model;
    let refused = |why: &str| Err(Fault::invalid("model", &format!("{name}:thinking cannot be had: {why}")));
    if !model.can("reasoning") {
        let is_known = model.lacks.iter().any(|lack| lack == "reasoning");
        return refused(if is_known {
            "the model does not reason"
        } else {
            "the model is not known to reason"
        });
    }
    if says_how_hard(&request.options) {
        return Ok(());
    }
    let mut is_understood = false;
    for offer in model.every_offer() {
        let vendor = registry.find(&offer.provider);
        let dialect = vendor.map(|found| found.vendor.dialect.of_model(&offer.protocol));
        let Some((field, word)) = dialect.and_then(|dialect| dialect.usual_thinking(&offer.upstream)) else {
            continue;
        };
        is_understood = true;
        let least = word["thinking"]["budget_tokens"].as_u64().unwrap_or(0);
        if request.max_output_tokens.is_some_and(|most| most <= least) {
            return Err(Fault::invalid("max_tokens", &format!("must be above {least} for {name}:thinking")));
        }
        say(&mut request.options, field, word);
    }
    if is_understood { Ok(()) } else { refused("its vendor cannot be told how much to think") }
}

/// Whether a request says itself how hard to think.
fn says_how_hard(options: &Map<String, Value>) -> bool {
    let says = |fields: &Map<String, Value>, names: [&str; 2]| {
        names.iter().any(|name| fields.get(*name).is_some_and(|value| !value.is_null()))
    };
    let own = options.get(ANTHROPIC_ONLY).and_then(Value::as_object);
    says(options, ["reasoning_effort", "thinking"])
        || own.is_some_and(|own| says(own, ["thinking", "effort"]))
}

/// Adds to what is said of a field; what was said before stands.
fn say(options: &mut Map<String, Value>, field: &str, word: Value) {
    match (options.get_mut(field), word) {
        (Some(Value::Object(said)), Value::Object(more)) => said.extend(more),
        (Some(said), word) if said.is_null() => *said = word,
        (Some(_), _) => {}
        (None, word) => {
            options.insert(field.to_owned(), word);
        }
    }
}

/// How much an offer reads, as far as it is known.
fn window(model: &Model) -> Option<u64> {
    model.context_tokens.or(model.max_input_tokens)
}

fn takes_tools(registry: &Registry, model: &Model) -> bool {
    let vendor = registry.find(&model.provider).map(|found| found.vendor.dialect.of_model(&model.protocol));
    vendor.is_some_and(providers::Dialect::offers_tools)
}
