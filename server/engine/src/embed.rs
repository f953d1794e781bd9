//! Texts put into vectors.

use marketplace::chat::{Failure, FailureClass};
use marketplace::fault::{Code, Fault};
use marketplace::id::CallId;
use marketplace::model::{Kind, Model};
use marketplace::quote::{PromptSize, likely_tokens};
use marketplace::scope::Scope;
use providers::embedding::{Inputs, Protocol, Request};

use crate::making::{Count, MakeOrder, Making, Purchase};
use crate::{Actor, Engine, Result, tokens};

impl Engine {
    /// Puts texts into vectors, one a text, charging for the tokens that their vendor counts.
    pub async fn embed(&self, actor: &Actor, order: MakeOrder<Request>) -> Result<Making<Vec<Vec<f32>>>> {
        actor.buyer(Scope::Embeddings)?;
        let MakeOrder { model, request, cap, run, id } = order;
        let on_sale = self.0.catalogue.load().first_on_sale(&model, Kind::Embedding)?;
        actor.may_ask(&model, Some(&on_sale.model.id))?;
        let Some(protocol) = Protocol::parse(&on_sale.model.protocol) else {
            return Err(Fault::invalid("model", "is of a kind that is not served here").into());
        };
        let prompt = size(&on_sale.model, protocol, &request)?;
        let most = on_sale.price.ceiling(prompt.tokens_max, 0, on_sale.take).charge;
        let (engine, seller) = (self.clone(), on_sale.model.clone());
        let ask = move |id: CallId| async move {
            let vendors = engine.0.vendors.load_full();
            let Some(provider) = vendors.registry.find(&seller.provider) else {
                return Err(unknown_seller());
            };
            let (sender, id) = (&engine.0.sender, id.to_string());
            let answer = sender.embed(provider, protocol, &request, &seller.upstream, &id).await?;
            let is_counted = answer.usage.is_some_and(|usage| usage.billable().is_ok());
            let counted = match request.inputs {
                Inputs::Texts(texts) if !is_counted => tokens::count_each(texts).await.map(Count::ByUs),
                _ => None,
            };
            Ok((answer.vectors, counted.unwrap_or(Count::ByVendor(answer.usage))))
        };
        self.make(actor, Purchase { on_sale, prompt, most, cap, run, id }, ask).await
    }
}

pub(crate) fn unknown_seller() -> Failure {
    let message = "this provider is not known here".to_owned();
    Failure { class: FailureClass::ServerError, message, retry_after_seconds: None }
}

/// How much there is to read, if this model reads it.
fn size(model: &Model, protocol: Protocol, request: &Request) -> std::result::Result<PromptSize, Fault> {
    let refused = |reason: String| Err(Fault::invalid("input", &reason));
    let (given, most) = (request.inputs.len(), protocol.inputs_max());
    if given == 0 {
        return refused("must not be empty".to_owned());
    }
    if given > most {
        return refused(format!("has {given} texts where {} takes at most {most} at a time", model.id));
    }
    if matches!(request.inputs, Inputs::Tokens(_)) && model.provider.0 != "openai" {
        return refused(format!("must be text: {} does not read the tokens of OpenAI", model.id));
    }
    check_dimensions(model, request.dimensions)?;
    let (counts, prompt): (Vec<u64>, PromptSize) = match &request.inputs {
        Inputs::Texts(texts) => (
            texts.iter().map(|text| likely_tokens(text.len() as u64)).collect(),
            texts.iter().fold(PromptSize::default(), |size, text| size.with_text(text.len())),
        ),
        Inputs::Tokens(lists) => (
            lists.iter().map(|list| list.len() as u64).collect(),
            lists.iter().fold(PromptSize::default(), |size, list| size.with_tokens(list.len())),
        ),
    };
    let limit = model.max_input_tokens.or(model.context_tokens).unwrap_or(u64::MAX);
    for (place, tokens) in counts.into_iter().enumerate() {
        if tokens == 0 {
            return refused(format!("holds nothing at place {place}"));
        }
        if tokens > limit {
            let id = &model.id;
            return refused(format!(
                "is too long at place {place}: about {tokens} tokens where {id} reads at most {limit}"
            ));
        }
    }
    // What the vendor cannot be told is found out before anything is held.
    protocol
        .encode(request, &model.upstream)
        .map_err(|failure| Fault::new(Code::InvalidRequest, failure.message))?;
    Ok(prompt)
}

fn check_dimensions(model: &Model, wanted: Option<u32>) -> std::result::Result<(), Fault> {
    let largest = model.embedding_dimensions.unwrap_or(u64::from(u32::MAX));
    match wanted {
        Some(wanted) if !(1..=largest).contains(&u64::from(wanted)) => {
            Err(Fault::invalid("dimensions", &format!("must be between 1 and {largest}")))
        }
        _ => Ok(()),
    }
}
