-- The books: wallets, holds, transactions and entries.
--
-- Amounts are whole nano-dollars. A positive entry is owed to its account, so the entries of one asset sum to zero.

create table wallet (
    account_id uuid not null references account,
    fund text not null constraint wallet_fund_known check (fund in ('paid', 'promo', 'free')),
    asset text not null constraint wallet_asset_known check (asset in ('USD', 'FREE_TOKEN')),
    posted bigint not null default 0,
    held bigint not null default 0 constraint wallet_held_not_negative check (held >= 0),
    credit_limit bigint not null default 0 constraint wallet_credit_limit_not_negative check (credit_limit >= 0),
    -- Counts entries without gaps; the head of the hash chain is the hash of the newest.
    version bigint not null default 0,
    chain_head bytea not null default '',
    primary key (account_id, fund),
    constraint wallet_never_overdrawn check (posted - held >= -credit_limit)
);

create table hold (
    call_id uuid primary key,
    account_id uuid not null references account,
    api_key_id uuid references api_key,
    conversation_id uuid,
    model_id text not null,
    provider text not null,
    price_id uuid not null references price,
    take_bps integer not null constraint hold_take_known check (take_bps between 0 and 9999),
    amount bigint not null constraint hold_amount_not_negative check (amount >= 0),
    state text not null default 'open' constraint hold_state_known check (state in ('open', 'captured', 'released')),
    instance_id uuid not null,
    lease_until timestamptz not null,
    -- What was certainly forwarded: a crash is settled at this and never guessed.
    progress_input bigint not null default 0,
    progress_output bigint not null default 0,
    progress_cost bigint not null default 0,
    progress_commission bigint not null default 0,
    opened_at timestamptz not null default now(),
    closed_at timestamptz,
    constraint hold_closed_when_not_open check ((state = 'open') = (closed_at is null))
);
create index hold_open_by_lease on hold (lease_until) where state = 'open';
create index hold_open_by_account on hold (account_id) where state = 'open';

-- What a hold draws on; a release gives each part back to where it came from.
create table hold_part (
    call_id uuid not null references hold,
    fund text not null,
    amount bigint not null constraint hold_part_amount_not_negative check (amount >= 0),
    primary key (call_id, fund)
);

create table ledger_tx (
    tx_id uuid primary key default gen_random_uuid(),
    kind text not null,
    idempotency_key text not null,
    account_id uuid references account,
    call_id uuid,
    actor text not null,
    reason text,
    created_at timestamptz not null default now(),
    constraint ledger_tx_happens_once unique (kind, idempotency_key)
);

create table ledger_entry (
    tx_id uuid not null references ledger_tx,
    line smallint not null,
    account text not null,
    asset text not null,
    amount bigint not null constraint ledger_entry_not_zero check (amount <> 0),
    -- Set for entries of a wallet, which are numbered and chained.
    account_id uuid,
    fund text,
    wallet_version bigint,
    balance_after bigint,
    hash bytea,
    xid xid8 not null default pg_current_xact_id(),
    created_at timestamptz not null default now(),
    primary key (tx_id, line),
    constraint ledger_entry_wallet_whole check (
        (account_id is null) = (wallet_version is null) and (account_id is null) = (hash is null)
    )
);
create unique index ledger_entry_wallet_version_unique
    on ledger_entry (account_id, fund, wallet_version) where account_id is not null;
create index ledger_entry_by_time on ledger_entry using brin (created_at);

-- One row for each call that was admitted, charged or not.
create table usage_call (
    call_id uuid primary key references hold,
    account_id uuid not null references account,
    api_key_id uuid,
    conversation_id uuid,
    model_id text not null,
    provider text not null,
    price_id uuid not null references price,
    take_bps integer not null,
    input bigint not null,
    cached_input bigint not null,
    cache_write bigint not null,
    cache_write_1h bigint not null,
    output bigint not null,
    reasoning bigint not null,
    usage_source text not null
        constraint usage_call_source_known check (usage_source in ('provider', 'estimated', 'none')),
    provider_cost bigint not null constraint usage_call_cost_not_negative check (provider_cost >= 0),
    commission bigint not null constraint usage_call_commission_not_negative check (commission >= 0),
    charge bigint not null,
    overrun bigint not null constraint usage_call_overrun_not_negative check (overrun >= 0),
    finish text not null,
    started_at timestamptz not null,
    settled_at timestamptz not null default now(),
    constraint usage_call_adds_up check (charge = provider_cost + commission),
    -- The commission is its share of the charge, and less than one nano-dollar above it.
    constraint usage_call_commission_exact check (
        commission::numeric * 10000 - charge::numeric * take_bps >= 0
        and commission::numeric * 10000 - charge::numeric * take_bps < 10000
    )
);
create index usage_call_by_account on usage_call (account_id, settled_at desc);
create index usage_call_by_time on usage_call (settled_at);

create table top_up (
    top_up_id uuid primary key,
    account_id uuid not null references account,
    processor text not null,
    amount bigint not null constraint top_up_amount_positive check (amount > 0),
    state text not null default 'pending'
        constraint top_up_state_known check (state in ('pending', 'paid', 'declined')),
    created_at timestamptz not null default now(),
    settled_at timestamptz
);
create index top_up_by_account on top_up (account_id, created_at desc);

-- What payment processors told us, each thing once.
create table payment_event (
    processor text not null,
    event_id text not null,
    payment_id uuid not null references top_up,
    kind text not null,
    received_at timestamptz not null default now(),
    primary key (processor, event_id),
    constraint payment_event_kind_once unique (processor, payment_id, kind)
);
