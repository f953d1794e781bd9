//! Pictures drawn from words.

use marketplace::fault::{Code, Fault};
use marketplace::id::CallId;
use marketplace::model::{Kind, Model};
use marketplace::price::Price;
use marketplace::quote::{PromptSize, likely_tokens};
use marketplace::scope::Scope;
use marketplace::usage::Usage;
use providers::image::{Picture, Pictures, Protocol, Request};

use crate::embed::unknown_seller;
use crate::making::{Count, MakeOrder, Making, Purchase};
use crate::{Actor, Engine, Result};

/// What a picture that is paid by the token comes to at most, where its vendor declares no bound of its own.
const PICTURE_TOKENS_MAX: u64 = 16_384;
/// Longer prompts no vendor reads whole.
const PROMPT_BYTES_MAX: usize = 32_000;

impl Engine {
    /// Draws pictures, charging for each that is delivered, or for the tokens that their vendor counts.
    pub async fn draw(&self, actor: &Actor, order: MakeOrder<Request>) -> Result<Making<Vec<Picture>>> {
        actor.buyer(Scope::Images)?;
        let MakeOrder { model, request, cap, run, id } = order;
        let on_sale = self.0.catalogue.load().first_on_sale(&model, Kind::Image)?;
        actor.may_ask(&model, Some(&on_sale.model.id))?;
        let Some(protocol) = Protocol::parse(&on_sale.model.protocol) else {
            return Err(Fault::invalid("model", "is of a kind that is not served here").into());
        };
        let wanted = u64::from(check(&on_sale.model, protocol, &request)?);
        let prompt = PromptSize::default().with_text(request.prompt.len());
        let each = on_sale.model.max_output_tokens.unwrap_or(PICTURE_TOKENS_MAX);
        let output = if on_sale.price.picture().is_some() { wanted } else { wanted * each };
        let most = on_sale.price.ceiling(prompt.tokens_max, output, on_sale.take).charge;
        let (engine, seller, price) = (self.clone(), on_sale.model.clone(), on_sale.price.clone());
        let ask = move |id: CallId| async move {
            let vendors = engine.0.vendors.load_full();
            let Some(provider) = vendors.registry.find(&seller.provider) else {
                return Err(unknown_seller());
            };
            let (sender, id) = (&engine.0.sender, id.to_string());
            let drawn = sender.draw(provider, protocol, &request, &seller.upstream, &id).await?;
            let usage = counted(&price, &drawn, wanted);
            Ok((drawn.pictures, Count::ByVendor(usage)))
        };
        self.make(actor, Purchase { on_sale, prompt, most, cap, run, id }, ask).await
    }
}

/// Pictures that are paid by the piece are counted as they come, and never more than were asked for.
fn counted(price: &Price, drawn: &Pictures, wanted: u64) -> Option<Usage> {
    if price.picture().is_none() {
        return drawn.usage;
    }
    let delivered = (drawn.pictures.len() as u64).min(wanted);
    Some(Usage { input_tokens: Some(0), output_tokens: i64::try_from(delivered).ok(), ..Usage::default() })
}

/// How many pictures are wanted, if this model draws them.
fn check(model: &Model, protocol: Protocol, request: &Request) -> std::result::Result<u32, Fault> {
    let (wanted, most) = (request.count.unwrap_or(1), protocol.pictures_max());
    if request.prompt.trim().is_empty() {
        return Err(Fault::invalid("prompt", "must not be empty"));
    }
    let limit = model.max_input_tokens.or(model.context_tokens).unwrap_or(u64::MAX);
    let is_too_long = likely_tokens(request.prompt.len() as u64) > limit;
    if is_too_long || request.prompt.len() > PROMPT_BYTES_MAX {
        return Err(Fault::invalid("prompt", "is too long"));
    }
    if !(1..=most).contains(&wanted) {
        let reason = format!("must be between 1 and {most} for {}", model.id);
        return Err(Fault::invalid("n", &reason));
    }
    // What the vendor cannot be told is found out before anything is held.
    protocol
        .encode(request, &model.upstream)
        .map_err(|failure| Fault::new(Code::InvalidRequest, failure.message))?;
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use marketplace::money::Nanos;
    use marketplace::usage::Tokens;

    use super::*;

    #[test]
    fn pictures_are_counted_as_they_come_and_never_beyond_what_was_asked() {
        let price = Price::by_the_picture(Nanos(30_000_000)).unwrap();
        let picture = Picture {
            bytes: Vec::new(),
            format: providers::image::Format::Png,
            seed: None,
            is_filtered: false,
        };
        for (came, wanted, paid) in [(1, 3, 1), (3, 3, 3), (4, 3, 3)] {
            let drawn = Pictures { pictures: vec![picture.clone(); came], usage: None };
            let tokens = counted(&price, &drawn, wanted).unwrap().billable().unwrap();
            assert_eq!(tokens, Tokens { output: paid, ..Tokens::default() });
        }
        let told = Some(Usage { input_tokens: Some(9), output_tokens: Some(4_160), ..Usage::default() });
        let drawn = Pictures { pictures: vec![picture], usage: told };
        assert_eq!(counted(&Price::default(), &drawn, 1), told, "the vendor counts tokens");
    }
}
