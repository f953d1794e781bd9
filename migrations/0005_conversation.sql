-- What was said, kept for its owner.

create table conversation (
    conversation_id uuid primary key,
    account_id uuid not null references account,
    title text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index conversation_by_account on conversation (account_id, updated_at desc);

create table message (
    message_id uuid primary key,
    conversation_id uuid not null references conversation,
    account_id uuid not null references account,
    author text not null constraint message_author_known check (author in ('user', 'assistant')),
    body text not null,
    model_id text,
    call_id uuid,
    finish text,
    created_at timestamptz not null default clock_timestamp()
);
create index message_by_conversation on message (conversation_id, created_at);
