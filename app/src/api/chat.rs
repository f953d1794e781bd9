//! Doors to conversations. The live channel itself is a WebSocket, see `browser`.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;
use marketplace::live::{Conversation, Transcript};

use crate::error::AppError;

#[server(prefix = "/_fn", endpoint = "list_conversations", input = Json)]
pub async fn list_conversations() -> Result<Vec<Conversation>, AppError> {
    use crate::context::caller;
    let caller = caller()?;
    Ok(caller.engine.list_conversations(&caller.actor).await?)
}

#[server(prefix = "/_fn", endpoint = "read_transcript", input = Json)]
pub async fn read_transcript(id: String) -> Result<Transcript, AppError> {
    use crate::context::caller;
    let caller = caller()?;
    Ok(caller.engine.transcript(&caller.actor, marketplace::id::ConversationId::parse(&id)?).await?)
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
    use marketplace::{id::ConversationId, id::ModelId, live::Prompt};
    let caller = caller()?;
    let conversation_id =
        conversation.filter(|id| !id.is_empty()).map(|id| ConversationId::parse(&id)).transpose()?;
    let prompt =
        Prompt { conversation_id, model: ModelId::parse(&model)?, text, max_output_tokens, cap_nanos: None };
    let conversation_id = caller.engine.chat_whole(&caller.actor, prompt).await?;
    leptos_axum::redirect(&format!("/chat/{conversation_id}"));
    Ok(())
}
