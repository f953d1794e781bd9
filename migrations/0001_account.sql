-- People, their sign-ins and their API keys.

create table account (
    account_id uuid primary key,
    email text not null constraint account_email_unique unique,
    password_hash text not null,
    name text,
    role text not null default 'user'
        constraint account_role_known check (role in ('user', 'support', 'auditor', 'admin')),
    plan text not null default 'free',
    suspended_at timestamptz,
    created_at timestamptz not null default now()
);

create table session (
    session_id uuid primary key,
    account_id uuid not null references account,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    ended_at timestamptz
);
create index session_by_account on session (account_id, created_at desc);

create table api_key (
    api_key_id uuid primary key,
    account_id uuid not null references account,
    name text not null,
    prefix text not null,
    -- HMAC-SHA-256 with a pepper that is not in this database.
    digest bytea not null constraint api_key_digest_unique unique,
    limit_nanos bigint constraint api_key_limit_positive check (limit_nanos > 0),
    spent_nanos bigint not null default 0 constraint api_key_spent_not_negative check (spent_nanos >= 0),
    held_nanos bigint not null default 0 constraint api_key_held_not_negative check (held_nanos >= 0),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz not null default now(),
    constraint api_key_within_limit check (limit_nanos is null or spent_nanos + held_nanos <= limit_nanos)
);
create index api_key_by_account on api_key (account_id, created_at desc);

-- What was done by whom. Nothing here is ever changed, see 0004.
create table audit_event (
    audit_event_id uuid primary key default gen_random_uuid(),
    at timestamptz not null default clock_timestamp(),
    actor text not null,
    action text not null,
    subject text not null,
    reason text,
    detail jsonb
);
create index audit_event_by_time on audit_event (at desc);
