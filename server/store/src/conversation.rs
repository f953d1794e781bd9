//! Conversations and what was said in them.

use chrono::SecondsFormat;
use marketplace::id::{AccountId, CallId, ConversationId, ModelId};
use marketplace::live::{Author, Conversation, Transcript, Turn};
use marketplace::money::Nanos;
use uuid::Uuid;

use crate::{Db, Error, Result};

/// Something said, as it is kept.
#[derive(Debug)]
pub struct NewMessage<'a> {
    pub conversation: ConversationId,
    pub author: Author,
    pub body: &'a str,
    pub model: &'a ModelId,
    pub call: Option<CallId>,
    pub finish: Option<&'a str>,
}

pub async fn insert_conversation(db: &Db, account: AccountId, id: ConversationId, title: &str) -> Result<()> {
    sqlx::query!(
        "insert into conversation (conversation_id, account_id, title) values ($1, $2, $3)",
        id.0,
        account.0,
        title.replace('\0', ""),
    )
    .execute(&mut *db.of(account).await?)
    .await?;
    Ok(())
}

pub async fn update_title(db: &Db, account: AccountId, id: ConversationId, title: &str) -> Result<()> {
    let changed = sqlx::query!(
        "update conversation set title = $3 where account_id = $1 and conversation_id = $2",
        account.0,
        id.0,
        title.replace('\0', ""),
    )
    .execute(&mut *db.of(account).await?)
    .await?;
    if changed.rows_affected() == 0 { Err(Error::NotFound) } else { Ok(()) }
}

/// Forgets what was said. The calls and their receipts belong to the books and stay.
pub async fn delete_conversation(db: &Db, account: AccountId, id: ConversationId) -> Result<()> {
    let deleted = sqlx::query!(
        "with said as (delete from message where account_id = $1 and conversation_id = $2)
        delete from conversation where account_id = $1 and conversation_id = $2",
        account.0,
        id.0,
    )
    .execute(&mut *db.of(account).await?)
    .await?;
    if deleted.rows_affected() == 0 { Err(Error::NotFound) } else { Ok(()) }
}

/// Adds to a conversation of this account; somebody else's is not found.
pub async fn insert_message(db: &Db, account: AccountId, new: &NewMessage<'_>) -> Result<()> {
    let author = match new.author {
        Author::User => "user",
        Author::Assistant => "assistant",
    };
    let inserted = sqlx::query!(
        "with mine as (
            update conversation set updated_at = now() where account_id = $2 and conversation_id = $3 returning conversation_id
        )
        insert into message (message_id, conversation_id, account_id, author, body, model_id, call_id, finish)
        select $1, conversation_id, $2, $4, $5, $6, $7, $8 from mine",
        Uuid::now_v7(),
        account.0,
        new.conversation.0,
        author,
        // Postgres text cannot hold NUL, which a model may well produce.
        new.body.replace('\0', ""),
        new.model.as_str(),
        new.call.map(|call| call.0),
        new.finish,
    )
    .execute(&mut *db.of(account).await?)
    .await?;
    if inserted.rows_affected() == 0 { Err(Error::NotFound) } else { Ok(()) }
}

/// The newest first, older than the one `after`.
pub async fn list_conversations(
    db: &Db,
    account: AccountId,
    after: Option<ConversationId>,
    limit: i64,
) -> Result<Vec<Conversation>> {
    let rows = sqlx::query!(
        r#"
        select c.conversation_id, c.title, c.updated_at, coalesce(sum(u.charge - u.overrun), 0)::bigint as "spent!"
        from (
            select * from conversation
            where account_id = $1 and ($3::uuid is null or (updated_at, conversation_id) < (
                select l.updated_at, l.conversation_id from conversation l
                where l.account_id = $1 and l.conversation_id = $3
            ))
            order by updated_at desc, conversation_id desc limit $2
        ) c
            left join message m using (conversation_id)
            left join usage_call u on u.call_id = m.call_id
        group by c.conversation_id, c.title, c.updated_at order by c.updated_at desc, c.conversation_id desc
        "#,
        account.0,
        limit,
        after.map(|after| after.0),
    )
    .fetch_all(&mut *db.of(account).await?)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Conversation {
            id: ConversationId(row.conversation_id),
            title: row.title,
            spent_nanos: Nanos(row.spent),
            updated_at: row.updated_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        })
        .collect())
}

pub async fn find_transcript(db: &Db, account: AccountId, id: ConversationId) -> Result<Option<Transcript>> {
    let mut mine = db.of(account).await?;
    let head = sqlx::query!(
        "select title, updated_at from conversation where account_id = $1 and conversation_id = $2",
        account.0,
        id.0,
    )
    .fetch_optional(&mut *mine)
    .await?;
    let Some(head) = head else { return Ok(None) };
    let rows = sqlx::query!(
        r#"
        select m.author, m.body, m.model_id, m.call_id, m.finish,
            (u.charge - u.overrun)::bigint as charge, (u.output + u.reasoning)::bigint as output
        from message m left join usage_call u on u.call_id = m.call_id
        where m.account_id = $1 and m.conversation_id = $2 order by m.created_at, m.message_id
        "#,
        account.0,
        id.0,
    )
    .fetch_all(&mut *mine)
    .await?;
    let turns: Vec<Turn> = rows
        .into_iter()
        .map(|row| Turn {
            author: if row.author == "user" { Author::User } else { Author::Assistant },
            text: row.body,
            model: row.model_id.and_then(|model| ModelId::parse(&model).ok()),
            call_id: row.call_id.map(CallId),
            charge_nanos: row.charge.map(Nanos),
            output_tokens: row.output.map(i64::unsigned_abs),
            finish: row.finish,
        })
        .collect();
    let conversation = Conversation {
        id,
        title: head.title,
        spent_nanos: turns.iter().filter_map(|turn| turn.charge_nanos).sum(),
        updated_at: head.updated_at.to_rfc3339_opts(SecondsFormat::Secs, true),
    };
    Ok(Some(Transcript { conversation, turns }))
}
