-- Plans, grants and subscriptions: where money and free tokens come from besides payments.

create table plan (
    plan text primary key,
    name text not null,
    -- Nano-dollars a month, taken from the balance.
    fee bigint not null constraint plan_fee_not_negative check (fee >= 0),
    -- Granted each UTC month, spent before money on models with the allowance, never carried over.
    free_tokens bigint not null constraint plan_free_tokens_not_negative check (free_tokens >= 0),
    requests_a_minute integer not null constraint plan_requests_positive check (requests_a_minute > 0),
    keys_max integer not null constraint plan_keys_positive check (keys_max > 0),
    -- Null keeps history for ever.
    history_days integer constraint plan_history_positive check (history_days > 0),
    -- Null is the standard take rate.
    take_bps integer constraint plan_take_known check (take_bps between 0 and 9999)
);

insert into plan (plan, name, fee, free_tokens, requests_a_minute, keys_max, history_days) values
    ('free', 'Free', 0, 1000, 20, 3, 30),
    ('starter', 'Starter', 10000000000, 1000, 120, 10, 365),
    ('pro', 'Pro', 50000000000, 1000, 600, 50, null),
    ('enterprise', 'Enterprise', 0, 1000, 3000, 500, null);

alter table account
    add constraint account_plan_known foreign key (plan) references plan,
    -- Free tokens are for addresses that were shown to reach somebody.
    add column verified_at timestamptz,
    -- Set by a chargeback: reads and payments go on, paid calls do not.
    add column frozen_at timestamptz;

-- Money and tokens given by the house. What is left at the end is taken back.
create table grant_ (
    grant_id uuid primary key,
    account_id uuid not null references account,
    fund text not null constraint grant_fund_known check (fund in ('promo', 'free')),
    amount bigint not null constraint grant_amount_positive check (amount > 0),
    remaining bigint not null constraint grant_remaining_known check (remaining between 0 and amount),
    -- The month of a free-token grant; one each.
    period text,
    reason text not null,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    constraint grant_once_a_period unique (account_id, fund, period)
);
create index grant_by_expiry on grant_ (account_id, expires_at) where remaining > 0;

create table subscription (
    subscription_id uuid primary key,
    account_id uuid not null references account,
    plan text not null references plan,
    started_at timestamptz not null default now(),
    paid_until timestamptz not null,
    -- Wanted to end with what is paid; may be taken back until then.
    cancelled_at timestamptz,
    ended_at timestamptz
);
create unique index subscription_one_each on subscription (account_id) where ended_at is null;
create index subscription_due on subscription (paid_until) where ended_at is null;

-- A limit somebody set on spending: of the account, a conversation or a run of many calls.
create table budget (
    budget_id uuid primary key default gen_random_uuid(),
    account_id uuid not null references account,
    scope text not null constraint budget_scope_known check (scope in ('account', 'conversation', 'run')),
    subject text not null,
    limit_nanos bigint not null constraint budget_limit_positive check (limit_nanos > 0),
    spent_nanos bigint not null default 0 constraint budget_spent_not_negative check (spent_nanos >= 0),
    held_nanos bigint not null default 0 constraint budget_held_not_negative check (held_nanos >= 0),
    resets text constraint budget_resets_known check (resets in ('day', 'week', 'month')),
    window_started_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    constraint budget_subject_unique unique (account_id, scope, subject),
    constraint budget_within_limit check (spent_nanos + held_nanos <= limit_nanos)
);

alter table api_key
    add column limit_resets text constraint api_key_resets_known check (limit_resets in ('day', 'week', 'month')),
    add column window_started_at timestamptz not null default now();

-- The parts of a hold become columns: `amount` is in dollars, of which `promo` comes from grants; a call on free
-- tokens holds those and no dollars.
alter table hold
    add column promo bigint not null default 0,
    add column free_tokens bigint not null default 0 constraint hold_free_tokens_not_negative check (free_tokens >= 0),
    add column free_period text,
    add column budget_ids uuid[],
    add column run_id text,
    add constraint hold_parts_known check (promo between 0 and amount),
    add constraint hold_in_one_asset check (amount = 0 or free_tokens = 0);
drop view ledger.violation;
drop table hold_part;

alter table usage_call
    add column free_tokens bigint not null default 0
        constraint usage_call_free_tokens_not_negative check (free_tokens >= 0),
    add column run_id text,
    drop constraint usage_call_adds_up,
    -- What is paid with free tokens costs its buyer nothing and earns no commission.
    add constraint usage_call_adds_up check (
        case when free_tokens = 0 then charge = provider_cost + commission else charge = 0 and commission = 0 end
    );

-- The month whose tokens a free wallet holds.
alter table wallet add column period text;

-- A change of a balance by hand. Above a limit it waits for a second operator.
create table adjustment (
    adjustment_id uuid primary key,
    account_id uuid not null references account,
    amount bigint not null constraint adjustment_not_zero check (amount <> 0),
    reason text not null constraint adjustment_reason_given check (length(trim(reason)) >= 3),
    proposed_by uuid not null references account,
    decided_by uuid references account,
    state text not null default 'proposed'
        constraint adjustment_state_known check (state in ('proposed', 'posted', 'rejected')),
    created_at timestamptz not null default now(),
    decided_at timestamptz,
    constraint adjustment_by_two check (
        state <> 'posted' or abs(amount) <= 500000000000 or decided_by is distinct from proposed_by
    ),
    constraint adjustment_not_of_oneself check (account_id is distinct from decided_by)
);
create index adjustment_waiting on adjustment (created_at) where state = 'proposed';

alter table top_up
    drop constraint top_up_state_known,
    add constraint top_up_state_known check (state in ('pending', 'paid', 'declined', 'refunded', 'charged_back')),
    -- What has gone back to the payer so far.
    add column returned bigint not null default 0,
    add constraint top_up_returned_known check (returned between 0 and amount);

-- A server that is or was running; its holds end with its lease.
create table instance (
    instance_id uuid primary key,
    booted_at timestamptz not null default now(),
    seen_at timestamptz not null default now()
);
