-- What the least possible ledger would be: the bare machine, to compare ours with.

create schema raw;

create table raw.account (
    account_id integer primary key,
    balance bigint not null,
    held bigint not null default 0,
    check (balance - held >= 0)
);

create table raw.hold (
    hold_id bigint generated always as identity primary key,
    account_id integer not null,
    amount bigint not null,
    state text not null default 'open'
);

create table raw.entry (
    entry_id bigint generated always as identity primary key,
    account_id integer not null,
    amount bigint not null,
    balance_after bigint not null,
    reference uuid not null default gen_random_uuid() unique,
    created_at timestamptz not null default now()
);
create index on raw.entry (account_id, entry_id desc);

insert into raw.account (account_id, balance) select n, 1000000000000000 from generate_series(1, 10000) as n;
analyze raw.account;
