-- Checking the books, sealing them, and refusing paid calls while they do not add up.

-- One link of a wallet's chain: its hash covers the whole history before it.
create function ledger.link(
    p_before bytea, p_tx_id uuid, p_line smallint, p_account_id uuid, p_fund text, p_asset text, p_amount bigint,
    p_version bigint, p_balance bigint
) returns bytea
language sql immutable parallel safe
return sha256(p_before || convert_to(
    concat_ws('|', p_tx_id, p_line, p_account_id, p_fund, p_asset, p_amount, p_version, p_balance), 'UTF8'));

-- What open calls hold of each fund.
create view ledger.open_part as
    select account_id, fund, sum(held) as held
    from hold, lateral (values ('paid', amount - promo), ('promo', promo), ('free', free_tokens)) as part (fund, held)
    where state = 'open' group by account_id, fund;

-- The invariants of the books as one view: a row is a violation, no rows mean that the books balance.

create view ledger.violation as
    select 'I1' as invariant, asset as subject, sum(amount)::text as detail
    from ledger_entry group by asset having sum(amount) <> 0
union all
    select 'I2', tx_id::text, concat(asset, ' ', sum(amount), ' in ', count(*), ' entries')
    from ledger_entry group by tx_id, asset having sum(amount) <> 0 or count(*) < 2
union all
    select 'I3', concat(account_id, ':', fund), concat(w.posted, ' against ', coalesce(e.sum, 0))
    from wallet w left join (
        select account_id, fund, sum(amount) from ledger_entry where account_id is not null group by account_id, fund
    ) e using (account_id, fund)
    where w.posted <> coalesce(e.sum, 0)
union all
    select 'I4', concat(account_id, ':', fund), concat(w.held, ' against ', coalesce(o.held, 0))
    from wallet w left join ledger.open_part o using (account_id, fund)
    where w.held <> coalesce(o.held, 0)
union all
    select 'I5', concat(account_id, ':', fund), (posted - held)::text
    from wallet where posted - held < -credit_limit
union all
    select 'I6', concat(account_id, ':', fund), concat('version ', wallet_version)
    from (
        select account_id, fund, wallet_version, balance_after, amount,
            lag(balance_after, 1, 0::bigint) over chain as balance_before,
            row_number() over chain as expected_version
        from ledger_entry where account_id is not null
        window chain as (partition by account_id, fund order by wallet_version)
    ) as numbered
    where wallet_version <> expected_version or balance_after <> balance_before + amount
union all
    select 'I7', h.call_id::text, concat(h.state, ', ', coalesce(u.charge - u.overrun, 0), ' of ', h.amount)
    from hold h
        left join ledger_tx t on t.kind = 'usage' and t.idempotency_key = h.call_id::text
        left join usage_call u on u.call_id = h.call_id
    where (h.state = 'captured') <> (t.tx_id is not null)
        or u.charge - u.overrun > h.amount or u.free_tokens > h.free_tokens
union all
    select 'I8', u.call_id::text, concat(u.charge, ' against ', coalesce(-e.sum, 0))
    from usage_call u
        left join ledger_tx t on t.kind = 'usage' and t.idempotency_key = u.call_id::text
        left join (
            select tx_id, sum(amount) from ledger_entry
            where asset = 'USD' and (account_id is not null or account = 'platform:overrun') group by tx_id
        ) e on e.tx_id = t.tx_id
    where u.charge <> coalesce(-e.sum, 0)
union all
    select 'I9', call_id::text, concat('lease ended ', lease_until)
    from hold where state = 'open' and lease_until < now() - interval '60 seconds'
union all
    select 'I10', u.call_id::text, u.price_id::text
    from usage_call u join price p using (price_id)
    where u.charge > 0 and not p.valid_during @> u.started_at
union all
    select 'I11', concat(account_id, ':', fund), concat('version ', wallet_version, ' does not follow from the one before')
    from (
        select account_id, fund, wallet_version, hash,
            ledger.link(lag(hash, 1, ''::bytea) over chain,
                tx_id, line, account_id, fund, asset, amount, wallet_version, balance_after) as expected_hash
        from ledger_entry where account_id is not null
        window chain as (partition by account_id, fund order by wallet_version)
    ) as linked
    where hash <> expected_hash
union all
    select 'I11', concat(w.account_id, ':', w.fund), concat('the head is not entry ', w.version)
    from wallet w left join ledger_entry e
        on e.account_id = w.account_id and e.fund = w.fund and e.wallet_version = w.version
    where w.chain_head <> coalesce(e.hash, ''::bytea)
union all
    select 'I12', account_id::text, concat(count(*), ' of ', kind, ' ', idempotency_key)
    from ledger_tx where kind in ('top_up', 'free_tokens', 'subscription', 'grant')
    group by account_id, kind, idempotency_key having count(*) > 1;


-- How far the running check has come: everything written before `upto` has been looked at.
create table book_check (
    check_id bigint generated always as identity primary key,
    scope text not null constraint book_check_scope_known check (scope in ('recent', 'whole')),
    upto xid8 not null,
    entries bigint not null,
    broken text[] not null,
    started_at timestamptz not null,
    finished_at timestamptz not null default clock_timestamp()
);
create index book_check_latest on book_check (scope, check_id desc);

-- The wallets as the running check last saw them, so that it need read no entry twice.
create table wallet_seen (
    account_id uuid not null references account,
    fund text not null,
    version bigint not null,
    balance bigint not null,
    head bytea not null,
    primary key (account_id, fund)
);

-- Checks what was written since the last time and notes the outcome. A broken book stops paid calls everywhere.
create function ledger.check_recent() returns text[]
language plpgsql set search_path = public, pg_temp as $$
declare
    since xid8;
    since_time timestamptz;
    upto xid8 := pg_snapshot_xmin(pg_current_snapshot());
    begun timestamptz := clock_timestamp();
    broken text[];
    seen bigint;
begin
    -- One server at a time; the others need not wait for what it finds.
    perform from book_state for update skip locked;
    if not found then
        return null;
    end if;
    select b.upto, b.started_at - interval '1 minute' into since, since_time
    from book_check b where scope = 'recent' order by check_id desc limit 1;
    -- A lower number may commit later, so only what no running transaction can precede is read.
    with recent_entry as materialized (
        select * from ledger_entry
        where xid < upto and (since is null or (xid >= since and created_at >= since_time))
    ), found_now as (
        select 'I2' as invariant, tx_id::text as subject, concat(asset, ' ', sum(amount)) as detail
        from recent_entry group by tx_id, asset having sum(amount) <> 0 or count(*) < 2
    union all
        select 'I6', concat(account_id, ':', fund), concat('version ', wallet_version)
        from (
            select e.account_id, e.fund, e.wallet_version, e.balance_after, e.amount,
                lag(e.balance_after, 1, coalesce(s.balance, 0)) over chain as balance_before,
                coalesce(s.version, 0) + row_number() over chain as expected_version
            from recent_entry e left join wallet_seen s using (account_id, fund)
            where e.account_id is not null
            window chain as (partition by e.account_id, e.fund order by e.wallet_version)
        ) as numbered
        where wallet_version <> expected_version or balance_after <> balance_before + amount
    union all
        select 'I11', concat(account_id, ':', fund), concat('version ', wallet_version)
        from (
            select e.account_id, e.fund, e.wallet_version, e.hash,
                ledger.link(lag(e.hash, 1, coalesce(s.head, ''::bytea)) over chain, e.tx_id, e.line, e.account_id,
                    e.fund, e.asset, e.amount, e.wallet_version, e.balance_after) as expected_hash
            from recent_entry e left join wallet_seen s using (account_id, fund)
            where e.account_id is not null
            window chain as (partition by e.account_id, e.fund order by e.wallet_version)
        ) as linked
        where hash <> expected_hash
    union all
        select 'I3', concat(w.account_id, ':', w.fund), concat(w.posted, ' against ', e.balance_after)
        from wallet w join ledger_entry e
            on e.account_id = w.account_id and e.fund = w.fund and e.wallet_version = w.version
        where (w.account_id, w.fund) in (select r.account_id, r.fund from recent_entry r where r.account_id is not null)
            and w.posted <> e.balance_after
    union all
        select 'I4', concat(w.account_id, ':', w.fund), concat(w.held, ' against ', coalesce(o.held, 0))
        from wallet w left join ledger.open_part o using (account_id, fund)
        where w.held <> coalesce(o.held, 0) and w.account_id in (
            select account_id from recent_entry where account_id is not null
            union select account_id from hold where state = 'open'
        )
    union all
        select 'I8', u.call_id::text, concat(u.charge, ' against ', coalesce(-e.sum, 0))
        from usage_call u
            left join ledger_tx t on t.kind = 'usage' and t.idempotency_key = u.call_id::text
            left join lateral (
                select sum(amount) from ledger_entry r
                where r.tx_id = t.tx_id and asset = 'USD'
                    and (r.account_id is not null or r.account = 'platform:overrun')
            ) e on true
        where u.settled_at >= coalesce(since_time, '-infinity') and u.charge <> coalesce(-e.sum, 0)
    union all
        select 'I9', call_id::text, concat('lease ended ', lease_until)
        from hold where state = 'open' and lease_until < now() - interval '60 seconds'
    ), noted as (
        insert into wallet_seen (account_id, fund, version, balance, head)
        select distinct on (account_id, fund) account_id, fund, wallet_version, balance_after, hash
        from recent_entry where account_id is not null order by account_id, fund, wallet_version desc
        on conflict (account_id, fund) do update
        set version = excluded.version, balance = excluded.balance, head = excluded.head
    )
    select (select count(*) from recent_entry), array_agg(format('%s %s: %s', invariant, subject, detail))
    into seen, broken from found_now;
    insert into book_check (scope, upto, entries, broken, started_at)
    values ('recent', upto, seen, coalesce(broken, '{}'), begun);
    if broken is not null then
        perform ledger.stop_paid_calls(broken[1]);
    end if;
    return coalesce(broken, '{}');
end $$;

-- Wrong is worse than down: from here on no new paid call is admitted by any server.
create function ledger.stop_paid_calls(p_reason text) returns void
language sql set search_path = public, pg_temp as $$
    with stopped as (
        update book_state set safe_since = now(), reason = p_reason where safe_since is null returning reason
    )
    insert into audit_event (actor, action, subject, reason)
    select 'system', 'books.stop_paid_calls', 'books', reason from stopped
$$;

-- Notes a check of the whole history. Only one that found nothing lets paid calls begin again.
create function ledger.note_whole_check(p_broken text[], p_started_at timestamptz, p_actor text) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
    insert into book_check (scope, upto, entries, broken, started_at)
    values ('whole', pg_snapshot_xmin(pg_current_snapshot()), (select count(*) from ledger_entry), p_broken, p_started_at);
    if cardinality(p_broken) > 0 then
        perform ledger.stop_paid_calls(p_broken[1]);
    elsif exists (select from book_state where safe_since is not null) then
        update book_state set safe_since = null, reason = null;
        -- The running check begins again from what was just found to be right.
        insert into wallet_seen (account_id, fund, version, balance, head)
        select account_id, fund, version, posted, chain_head from wallet
        on conflict (account_id, fund) do update
        set version = excluded.version, balance = excluded.balance, head = excluded.head;
        insert into audit_event (actor, action, subject) values (p_actor, 'books.resume_paid_calls', 'books');
    end if;
end $$;

-- Blocks over everything that was written, each holding the hash of the one before.
alter table audit_event add column xid xid8 not null default pg_current_xact_id();

create table ledger_block (
    block_no bigint primary key,
    from_xid xid8 not null,
    upto_xid xid8 not null,
    entries bigint not null,
    root bytea not null,
    hash bytea not null,
    sealed_at timestamptz not null default clock_timestamp()
);

-- The root over all entries, audit events and price versions written in a range of transactions, in one fixed order.
create function ledger.block_root(
    p_from xid8, p_upto xid8, p_since timestamptz, out entries bigint, out root bytea
)
language sql stable set search_path = public, pg_temp as $$
    with row_hash as (
        select concat_ws('|', 'entry', tx_id, line) as place, sha256(convert_to(concat_ws('|', tx_id, line, account,
            asset, amount, wallet_version, balance_after, encode(hash, 'hex'), extract(epoch from created_at)), 'UTF8'))
            as leaf
        from ledger_entry where xid >= p_from and xid < p_upto and created_at >= p_since
    union all
        select concat_ws('|', 'audit', audit_event_id), sha256(convert_to(concat_ws('|', audit_event_id,
            extract(epoch from at), actor, action, subject, reason, detail), 'UTF8'))
        from audit_event where xid >= p_from and xid < p_upto and at >= p_since
    )
    select count(*), sha256(coalesce(string_agg(leaf, ''::bytea order by place collate "C"), ''::bytea)) from row_hash
$$;

create function ledger.block_hash(p_before bytea, p_block_no bigint, p_entries bigint, p_root bytea) returns bytea
language sql immutable parallel safe
return sha256(p_before || convert_to(concat_ws('|', p_block_no, p_entries, encode(p_root, 'hex')), 'UTF8'));

-- Seals what was written since the last block; null when another server is at it or nothing is new.
create function ledger.seal_block() returns bigint
language plpgsql set search_path = public, pg_temp as $$
declare
    last ledger_block;
    next ledger_block;
begin
    if not pg_try_advisory_xact_lock(hashtextextended('ledger.seal_block', 0)) then
        return null;
    end if;
    select * into last from ledger_block order by block_no desc limit 1;
    next.block_no := coalesce(last.block_no, 0) + 1;
    next.from_xid := coalesce(last.upto_xid, '0');
    next.upto_xid := pg_snapshot_xmin(pg_current_snapshot());
    if next.upto_xid <= next.from_xid then
        return null;
    end if;
    select r.entries, r.root into next.entries, next.root
    from ledger.block_root(next.from_xid, next.upto_xid,
        coalesce(last.sealed_at - interval '1 minute', '-infinity')) as r;
    if next.entries = 0 then
        return null;
    end if;
    next.hash := ledger.block_hash(coalesce(last.hash, ''), next.block_no, next.entries, next.root);
    next.sealed_at := clock_timestamp();
    insert into ledger_block select next.*;
    return next.block_no;
end $$;

create trigger ledger_block_is_immutable before update or delete on ledger_block
for each row execute function ledger.refuse_change();
create trigger ledger_block_is_kept before truncate on ledger_block
for each statement execute function ledger.refuse_change();

-- Blocks that do not hold what is in the books now, or do not follow from the one before.
create view ledger.broken_block as
    select block_no, sealed_at
    from (
        select b.*, lag(hash, 1, ''::bytea) over (order by block_no) as before,
            lag(sealed_at) over (order by block_no) as before_at,
            row_number() over (order by block_no) as expected_no
        from ledger_block b
    ) as b, lateral ledger.block_root(b.from_xid, b.upto_xid, coalesce(b.before_at - interval '1 minute', '-infinity')) as now
    where b.block_no <> b.expected_no or b.entries <> now.entries or b.root <> now.root
        or b.hash <> ledger.block_hash(b.before, b.block_no, b.entries, b.root);

-- What providers say we owe them, by day and model, beside what the books say.
create table provider_report (
    provider text not null,
    day date not null,
    model_id text not null,
    amount bigint not null constraint provider_report_not_negative check (amount >= 0),
    imported_at timestamptz not null default now(),
    primary key (provider, day, model_id)
);

create view ledger.reconciliation as
    with booked as (
        select provider, (settled_at at time zone 'utc')::date as day, model_id,
            sum(provider_cost)::bigint as booked, count(*) as calls
        from usage_call where provider_cost > 0 group by 1, 2, 3
    )
    select provider, day, model_id, coalesce(b.booked, 0) as booked, r.amount as reported, coalesce(b.calls, 0) as calls,
        case
            when r.amount is null then 'missing'
            -- Half a per cent or a dollar, whichever is reached first.
            when abs(r.amount - coalesce(b.booked, 0)) > least(1000000000, greatest(b.booked, r.amount) / 200) then 'differs'
            else 'agrees'
        end as state
    from booked b full join provider_report r using (provider, day, model_id);
