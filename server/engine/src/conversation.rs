//! Conversations on the page: a call whose news are kept for a while, so that a reader can come back to them.

mod answering;

use std::sync::Arc;
use std::time::Duration;

use marketplace::chat::{ChatRequest, Delivery, Message, Role};
use marketplace::fault::{Code, Fault};
use marketplace::id::{AccountId, ConversationId};
use marketplace::live::{Author, Conversation, News, Prompt, Transcript, Turn};
use serde_json::Map;
use store::conversation::NewMessage;
use tracing::warn;
use uuid::Uuid;

pub(crate) use answering::Answering;
pub use answering::Following;

use crate::chat::{Call, Order};
use crate::{Actor, Engine, Result, Routing};

const TEXT_BYTES_MAX: usize = 400_000;
const TITLE_CHARACTERS: usize = 60;
const TITLE_CHARACTERS_MAX: usize = 200;
/// What the page asks for where the writer chose nothing.
const OUTPUT_TOKENS_USUAL: u64 = 1_024;
/// How long the news of a finished answer can still be read again.
const KEPT_AFTER_END: Duration = Duration::from_secs(120);

impl Engine {
    pub async fn list_conversations(&self, actor: &Actor) -> Result<Vec<Conversation>> {
        Ok(store::conversation::list_conversations(&self.0.db, actor.account()?, None, 100).await?)
    }

    /// So many of them, the newest first, after one that is known already.
    pub async fn conversations_after(
        &self,
        actor: &Actor,
        after: Option<ConversationId>,
        limit: i64,
    ) -> Result<Vec<Conversation>> {
        Ok(store::conversation::list_conversations(&self.0.db, actor.account()?, after, limit).await?)
    }

    pub async fn transcript(&self, actor: &Actor, id: ConversationId) -> Result<Transcript> {
        let transcript = store::conversation::find_transcript(&self.0.db, actor.account()?, id).await?;
        Ok(transcript.ok_or_else(|| Fault::not_found("This conversation"))?)
    }

    pub async fn rename_conversation(&self, actor: &Actor, id: ConversationId, title: &str) -> Result<()> {
        let title = title.trim();
        if title.is_empty() || title.chars().count() > TITLE_CHARACTERS_MAX {
            return Err(Fault::invalid("title", "needs 1 to 200 characters").into());
        }
        Ok(store::conversation::update_title(&self.0.db, actor.person()?, id, title).await?)
    }

    /// Forgets what was said, for good. An answer being written must be stopped first.
    pub async fn delete_conversation(&self, actor: &Actor, id: ConversationId) -> Result<()> {
        let account = actor.person()?;
        if self.find_answering(actor, id).is_ok_and(|answering| !answering.is_over()) {
            return Err(Fault::new(Code::Conflict, "An answer is being written here; stop it first").into());
        }
        Ok(store::conversation::delete_conversation(&self.0.db, account, id).await?)
    }

    /// Sends a message and begins an answer, to be read with [`Engine::follow`].
    pub async fn say(&self, actor: &Actor, prompt: Prompt) -> Result<ConversationId> {
        let (engine, actor) = (self.clone(), actor.clone());
        // In a task of its own: a page that closes meanwhile must not leave its conversation taken for ever.
        let saying = tokio::spawn(async move { engine.begin_saying(&actor, prompt).await });
        let unsaid = || Fault::new(Code::Internal, "The message could not be sent");
        saying.await.unwrap_or_else(|_| Err(unsaid().into()))
    }

    async fn begin_saying(&self, actor: &Actor, prompt: Prompt) -> Result<ConversationId> {
        let account = actor.person()?;
        let text = prompt.text.trim();
        if text.is_empty() || text.len() > TEXT_BYTES_MAX {
            return Err(Fault::invalid("text", "needs 1 to 400,000 bytes").into());
        }
        let before = match prompt.conversation_id {
            Some(id) => self.transcript(actor, id).await?.turns,
            None => Vec::new(),
        };
        let id = prompt.conversation_id.unwrap_or_else(|| ConversationId(Uuid::now_v7()));
        // The place is taken first, so that a second message cannot slip in while the hold is made.
        let answering = Arc::new(Answering::new(id, account));
        self.begin_answering(id, &answering)?;
        let begun = self.begin_answer(actor, account, id, &prompt, text, &before).await;
        match begun {
            Ok(call) => {
                tokio::spawn(self.clone().answer(account, call, answering));
                Ok(id)
            }
            Err(error) => {
                self.forget_answering(id, &answering);
                Err(error)
            }
        }
    }

    /// Says something and waits for the whole answer.
    pub async fn chat_whole(&self, actor: &Actor, prompt: Prompt) -> Result<ConversationId> {
        let id = self.say(actor, prompt).await?;
        let mut following = self.follow(actor, id, 0)?;
        while let Some(message) = following.next().await {
            if let News::Error { fault } = message.news {
                return Err(fault.into());
            }
        }
        Ok(id)
    }

    /// The news of a conversation's current answer after `last_seq`.
    pub fn follow(&self, actor: &Actor, id: ConversationId, last_seq: u64) -> Result<Following> {
        let answering = self.find_answering(actor, id)?;
        Ok(Following::new(answering, last_seq))
    }

    /// Stops the answer being written. What was delivered is paid; the rest of the hold goes back.
    pub fn stop(&self, actor: &Actor, id: ConversationId) -> Result<()> {
        self.find_answering(actor, id)?.stop();
        Ok(())
    }

    async fn begin_answer(
        &self,
        actor: &Actor,
        account: AccountId,
        id: ConversationId,
        prompt: &Prompt,
        text: &str,
        before: &[Turn],
    ) -> Result<Call> {
        let request = ChatRequest {
            model: prompt.model.clone(),
            messages: messages(before, text),
            max_output_tokens: Some(prompt.max_output_tokens.unwrap_or(OUTPUT_TOKENS_USUAL)),
            stream: Delivery::Streamed,
            options: Map::new(),
        };
        let order = Order {
            request,
            conversation: Some(id),
            cap: prompt.cap_nanos,
            run: None,
            id: None,
            routing: Routing::default(),
        };
        let call = self.chat(actor, order).await?;
        if prompt.conversation_id.is_none() {
            let title: String = text.chars().take(TITLE_CHARACTERS).collect();
            store::conversation::insert_conversation(&self.0.db, account, id, &title).await?;
        }
        let asked = NewMessage {
            conversation: id,
            author: Author::User,
            body: text,
            model: &prompt.model,
            call: None,
            finish: None,
        };
        store::conversation::insert_message(&self.0.db, account, &asked).await?;
        Ok(call)
    }

    /// Writes the answer's news down as they come, and the answer itself at the end.
    async fn answer(self, account: AccountId, call: Call, answering: Arc<Answering>) {
        let (model, call_id) = (call.model.clone(), call.id);
        let mut answered = answering.write(call).await;
        if !answered.text.is_empty() {
            let answer = NewMessage {
                conversation: answering.id,
                author: Author::Assistant,
                body: &answered.text,
                model: &model,
                call: Some(call_id),
                finish: Some(&answered.finish),
            };
            if let Err(cause) = store::conversation::insert_message(&self.0.db, account, &answer).await {
                warn!(%cause, call.id = %call_id, "an answer was paid but could not be kept");
            }
        }
        if let Ok(balance) = store::ledger::get_balance(&self.0.db, account).await {
            let (available_nanos, held_nanos) = (balance.available_nanos, balance.held_nanos);
            answered.last.push(News::Balance { available_nanos, held_nanos });
        }
        answering.end(answered.last);
        tokio::time::sleep(KEPT_AFTER_END).await;
        self.forget_answering(answering.id, &answering);
    }

    fn begin_answering(&self, id: ConversationId, answering: &Arc<Answering>) -> Result<()> {
        let mut all = self.0.answering.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if all.get(&id).is_some_and(|current| !current.is_over()) {
            let message = "This conversation is still being answered; stop that answer first";
            return Err(Fault::new(Code::Conflict, message).into());
        }
        all.insert(id, answering.clone());
        Ok(())
    }

    fn forget_answering(&self, id: ConversationId, answering: &Arc<Answering>) {
        let mut all = self.0.answering.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if all.get(&id).is_some_and(|current| Arc::ptr_eq(current, answering)) {
            all.remove(&id);
        }
    }

    fn find_answering(&self, actor: &Actor, id: ConversationId) -> Result<Arc<Answering>> {
        let account = actor.person()?;
        let all = self.0.answering.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let found = all.get(&id).filter(|answering| answering.account == account).cloned();
        Ok(found.ok_or_else(|| Fault::not_found("An answer in this conversation"))?)
    }
}

/// The thread so far as a model reads it.
fn messages(before: &[Turn], text: &str) -> Vec<Message> {
    let said = before.iter().map(|turn| {
        let role = match turn.author {
            Author::User => Role::User,
            Author::Assistant => Role::Assistant,
        };
        Message::text(role, turn.text.clone())
    });
    said.chain([Message::text(Role::User, text)]).collect()
}
