//! Bringing models in while the program stays as it is: what a file would change, and changing it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use marketplace::account::Role;
use marketplace::fault::Fault;
use marketplace::id::{ModelId, ProviderId};
use marketplace::model::{LaterPrice, Model, Offer};
use marketplace::price::Price;
use serde_json::Value;
use store::catalogue::Stanza;
use store::price::{Granted, Outcome, Withdrawn};
use tracing::info;

use super::file;
use crate::{Actor, Engine, Result};

/// What a file of models would change.
#[derive(Clone, Debug)]
pub struct ImportPlan {
    pub models: Vec<ModelChange>,
    /// Those that change.
    pub prices: Vec<Foreseen>,
    /// Those that were to begin and will not.
    pub withdrawn: Vec<Withdrawn>,
    /// How many models stay as they are.
    pub same: usize,
}

/// What would become of a price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreseen {
    pub model: ModelId,
    pub provider: ProviderId,
    pub before: Option<Price>,
    pub after: Price,
    pub free: bool,
    /// At once, where it is not told or has come.
    pub from: Option<DateTime<Utc>>,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelChange {
    pub id: ModelId,
    /// Nothing of a model that is new.
    pub facts: Vec<FactChange>,
    pub is_new: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactChange {
    pub name: String,
    pub before: String,
    pub after: String,
}

impl Engine {
    /// What importing this file would change; nothing is changed.
    pub async fn plan_import(&self, actor: &Actor, text: &str) -> Result<ImportPlan> {
        actor.require(&[Role::Admin, Role::Support])?;
        let (models, _) = read(text)?;
        self.plan(&models).await
    }

    /// Keeps these models in the place of ours with the same ids, and puts their prices in force, but for those that
    /// leap, now or at their time. Running servers take prices over within a second; what else a model is they read when they start.
    pub async fn import_catalogue(&self, actor: &Actor, text: &str, reason: &str) -> Result<ImportPlan> {
        actor.require(&[Role::Admin])?;
        if reason.trim().is_empty() {
            return Err(Fault::invalid("reason", "must say why").into());
        }
        let (models, stanzas) = read(text)?;
        let plan = self.plan(&models).await?;
        let changed = store::catalogue::import_models(&self.0.db, &stanzas, &actor.label(), reason).await?;
        super::set_prices(&self.0.db, &models).await?;
        self.refresh_prices().await?;
        info!(changed, "imported {changed} models into the catalogue");
        Ok(plan)
    }

    async fn plan(&self, models: &[Model]) -> Result<ImportPlan> {
        let known = Arc::clone(&self.0.catalogue.load().file);
        let find = |id: &ModelId| known.iter().find(|model| model.id == *id);
        let changes = models.iter().filter_map(|model| match find(&model.id) {
            None => Some(ModelChange { id: model.id.clone(), facts: Vec::new(), is_new: true }),
            Some(before) => {
                let facts = facts_changed(before, model);
                (!facts.is_empty()).then(|| ModelChange { id: model.id.clone(), facts, is_new: false })
            }
        });
        let changes: Vec<ModelChange> = changes.collect();
        let offers: Vec<(&ModelId, Offer)> =
            models.iter().flat_map(|model| model.every_offer().map(|offer| (&model.id, offer))).collect();
        check_are_to_come(&offers, &known, Utc::now())?;
        let wanted = super::wanted_prices(&offers);
        let (granted, withdrawn) = store::price::foresee_prices(&self.0.db, &wanted).await?;
        let told = |one: Granted| {
            let wish = wanted.get(one.at).filter(|_| one.outcome != Outcome::Same)?;
            Some(Foreseen {
                model: wish.model.clone(),
                provider: wish.provider.clone(),
                before: one.before,
                after: wish.price.clone(),
                free: wish.free,
                from: wish.from,
                outcome: one.outcome,
            })
        };
        let prices = granted.into_iter().filter_map(told).collect();
        Ok(ImportPlan { same: models.len() - changes.len(), models: changes, prices, withdrawn })
    }
}

/// No price can begin in the past: calls were charged under another then. One that was brought in before it began
/// may be brought in again.
fn check_are_to_come(
    offers: &[(&ModelId, Offer)],
    known: &[Model],
    now: DateTime<Utc>,
) -> std::result::Result<(), Fault> {
    for (id, offer) in offers {
        let of_this = |other: &Offer| other.provider == offer.provider;
        let same =
            known.iter().find(|model| model.id == **id).and_then(|model| model.every_offer().find(of_this));
        let is_new = |next: &&LaterPrice| same.as_ref().is_none_or(|same| !same.later.contains(next));
        if let Some(past) = offer.later.iter().filter(|next| next.from <= now).find(is_new) {
            let problem = format!(
                "of {id} by {} begin in the past: {}. What is to count at once stands as its price",
                offer.provider,
                file::written(past.from)
            );
            return Err(Fault::invalid("later_prices", &problem));
        }
    }
    Ok(())
}

/// The models of a file, and each as a stanza of its own.
fn read(text: &str) -> std::result::Result<(Vec<Model>, Vec<Stanza>), Fault> {
    let wrong = |problem: String| Fault::invalid("file", &format!("is no catalogue: {problem}"));
    let models = file::parse(text).map_err(wrong)?;
    if let Some(twice) =
        models.iter().enumerate().find(|(at, model)| models[..*at].iter().any(|one| one.id == model.id))
    {
        return Err(wrong(format!("{} stands in it twice", twice.1.id)));
    }
    let texts = file::stanzas(text).map_err(wrong)?;
    let stanzas = models.iter().zip(texts).map(|(model, text)| Stanza { model: model.id.clone(), text });
    Ok((models.clone(), stanzas.collect()))
}

/// What is told of a model and differs. Prices are told apart.
fn facts_changed(before: &Model, after: &Model) -> Vec<FactChange> {
    let told = |model: &Model| match serde_json::to_value(model) {
        Ok(Value::Object(facts)) => facts,
        _ => serde_json::Map::new(),
    };
    let (old, new) = (told(before), told(after));
    let is_price = |name: &str| name == "price" || name == "free";
    let written = |value: Option<&Value>| match value {
        None | Some(Value::Null) => "unknown".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    let mut changes: Vec<FactChange> = new
        .iter()
        .filter(|(name, value)| !is_price(name) && old.get(*name) != Some(value))
        .map(|(name, value)| FactChange {
            name: name.clone(),
            before: written(old.get(name)),
            after: written(Some(value)),
        })
        .collect();
    let sellers = |model: &Model| {
        let named = model.offers.iter().map(|offer| format!("{}/{}", offer.provider, offer.upstream));
        named.collect::<Vec<_>>().join(", ")
    };
    if sellers(before) != sellers(after) {
        let (before, after) = (sellers(before), sellers(after));
        changes.push(FactChange { name: "offers".to_owned(), before, after });
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::STANZA;
    use super::*;

    #[test]
    fn each_model_is_kept_as_a_stanza_that_reads_the_same() {
        let both = format!("{STANZA}{}", STANZA.replace("glow-2", "glow-3"));
        let (models, stanzas) = read(&both).unwrap();
        assert_eq!(stanzas.len(), 2);
        for (model, stanza) in models.iter().zip(&stanzas) {
            assert_eq!(file::parse(&stanza.text).unwrap(), std::slice::from_ref(model), "{}", stanza.text);
        }
    }

    #[test]
    fn the_whole_catalogue_can_be_brought_in() {
        let (models, stanzas) = read(include_str!("../../../../catalogue.toml")).unwrap();
        let again: Vec<Model> =
            stanzas.iter().flat_map(|stanza| file::parse(&stanza.text).unwrap()).collect();
        assert_eq!(again, models);
    }

    #[test]
    fn what_differs_is_told_and_prices_are_told_apart() {
        let after = STANZA.replace("128000", "200000").replace("0.40", "0.50");
        let (before, after) = (read(STANZA).unwrap().0, read(&after).unwrap().0);
        let changes = facts_changed(&before[0], &after[0]);
        let told: Vec<(&str, &str, &str)> =
            changes.iter().map(|one| (one.name.as_str(), one.before.as_str(), one.after.as_str())).collect();
        assert_eq!(told, [("context_tokens", "128000", "200000")]);
        assert_eq!(facts_changed(&before[0], &before[0]), []);
    }

    #[test]
    fn a_file_that_is_no_catalogue_is_refused() {
        for wrong in
            ["", "[[model]]", "model = 5", &format!("{STANZA}{STANZA}"), &STANZA.replace("0.40", "-1")]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
