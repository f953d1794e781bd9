//! Doors to conversations. The live channel itself is a WebSocket, see `browser`.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use marketplace::id::ModelId;
use marketplace::live::{Conversation, Transcript};
use marketplace::money::Rate;
use marketplace::price::{Price, TakeRate};
use serde::{Deserialize, Serialize};

use crate::error::AppError;

/// What a page needs of a model to name it and to tell what a message to it costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatModel {
    pub id: ModelId,
    pub name: String,
    pub provider_name: String,
    pub price: Price,
    pub take: TakeRate,
    pub max_output_tokens: Option<u64>,
}

impl ChatModel {
    /// What a buyer pays for input and output, fee included.
    pub fn buyer_rates(&self) -> (Rate, Rate) {
        (self.take.on_rate(self.price.rates.input), self.take.on_rate(self.price.rates.output))
    }
}

/// Every chat model that can be called now.
#[server(prefix = "/_fn", endpoint = "list_chat_models", input = Json)]
pub async fn list_chat_models() -> Result<Vec<ChatModel>, AppError> {
    use crate::context::caller;
    use marketplace::search::Search;
    let caller = caller()?;
    let open = Search { sale: "open".to_owned(), kind: "chat".to_owned(), ..Search::default() };
    let listings = caller.engine.search_models(&caller.actor, &open);
    let models = listings.iter().filter_map(|listing| {
        let model = &listing.model;
        Some(ChatModel {
            id: model.id.clone(),
            name: model.name.clone(),
            provider_name: listing.provider_name.clone(),
            price: model.price.clone()?,
            take: listing.take,
            max_output_tokens: model.max_output_tokens,
        })
    });
    Ok(models.collect())
}

#[server(prefix = "/_fn", endpoint = "list_conversations", input = Json)]
pub async fn list_conversations() -> Result<Vec<Conversation>, AppError> {
    use crate::context::caller;
    let caller = caller()?;
    Ok(caller.engine.list_conversations(&caller.actor).await?)
}

#[server(prefix = "/_fn", endpoint = "read_transcript", input = Json)]
pub async fn read_transcript(id: String) -> Result<Transcript, AppError> {
    use crate::context::{caller, subject};
    use marketplace::{fault::Fault, id::ConversationId};
    let caller = caller()?;
    let id = subject(ConversationId::parse(&id).map_err(|_| Fault::not_found("This conversation")))?;
    subject(caller.engine.transcript(&caller.actor, id).await)
}

/// Sends a message and waits for the whole answer: the chat of a page whose scripts are off or not yet awake.
#[server(prefix = "/_fn", endpoint = "send_message")]
pub async fn send_message(
    conversation: Option<String>,
    model: String,
    text: String,
    max_output_tokens: Option<u64>,
) -> Result<(), AppError> {
    use crate::context::caller;
    use marketplace::{id::ConversationId, live::Prompt};
    let caller = caller()?;
    let conversation_id =
        conversation.filter(|id| !id.is_empty()).map(|id| ConversationId::parse(&id)).transpose()?;
    let prompt =
        Prompt { conversation_id, model: ModelId::parse(&model)?, text, max_output_tokens, cap_nanos: None };
    let conversation_id = caller.engine.chat_whole(&caller.actor, prompt).await?;
    leptos_axum::redirect(&format!("/chat/{conversation_id}"));
    Ok(())
}
