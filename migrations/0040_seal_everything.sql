-- Seals cover transactions, calls, closed holds and price versions as well as entries and audit events.

-- The transaction that wrote a row says which block it belongs to. A hold is written down for good when it closes.
alter table ledger_tx add column xid xid8 not null default pg_current_xact_id();
alter table usage_call add column xid xid8 not null default pg_current_xact_id();
alter table price add column xid xid8 not null default pg_current_xact_id();
alter table hold add column closed_xid xid8;
update hold set closed_xid = pg_current_xact_id() where state <> 'open';

create function ledger.note_closing() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    new.closed_xid := pg_current_xact_id();
    return new;
end $$;
create trigger hold_closes before update of state on hold
for each row when (old.state = 'open' and new.state <> 'open') execute function ledger.note_closing();

create index ledger_tx_by_time on ledger_tx using brin (created_at);
create index hold_by_closing on hold using brin (closed_at);

-- What a block covers: 1 is entries and audit events, 2 is everything that is never changed again.
alter table ledger_block add column scheme smallint not null default 1;

-- One leaf a row, written so that no two rows look alike: unlike a list with a sign between, an array shows what is null.
create function ledger.leaves(p_from xid8, p_upto xid8, p_since timestamptz) returns table (place text, leaf bytea)
language sql stable set search_path = public, pg_temp set timezone = 'UTC' as $$
    select concat_ws('|', kind, key), sha256(convert_to(content::text, 'UTF8')) from (
        select 'entry' as kind, concat_ws('|', tx_id, line) as key, jsonb_build_array(tx_id, line, account, asset, amount,
            account_id, fund, wallet_version, balance_after, encode(hash, 'hex'), created_at) as content
        from ledger_entry where xid >= p_from and xid < p_upto and created_at >= p_since
    union all
        select 'audit', audit_event_id::text, jsonb_build_array(audit_event_id, at, actor, action, subject, reason, detail)
        from audit_event where xid >= p_from and xid < p_upto and at >= p_since
    union all
        select 'tx', tx_id::text, jsonb_build_array(tx_id, kind, idempotency_key, account_id, call_id, actor, reason, created_at)
        from ledger_tx where xid >= p_from and xid < p_upto and created_at >= p_since
    union all
        select 'call', call_id::text, jsonb_build_array(call_id, account_id, api_key_id, conversation_id, run_id, model_id,
            provider, price_id, take_bps, input, cached_input, cache_write, cache_write_1h, output, reasoning,
            usage_source, provider_cost, commission, charge, overrun, free_tokens, finish, started_at, settled_at)
        from usage_call where xid >= p_from and xid < p_upto and settled_at >= p_since
    union all
        select 'hold', call_id::text, jsonb_build_array(call_id, account_id, api_key_id, conversation_id, run_id, model_id,
            provider, price_id, take_bps, amount, promo, free_tokens, free_period, budget_ids, state, instance_id,
            lease_until, progress_input, progress_output, progress_cost, progress_commission, opened_at, closed_at)
        from hold where closed_xid >= p_from and closed_xid < p_upto and closed_at >= p_since
    union all
        select 'price', price_id::text, jsonb_build_array(price_id, model_id, provider, terms, free, lower(valid_during))
        from price where xid >= p_from and xid < p_upto and lower(valid_during) >= p_since
    ) as rows
$$;

create function ledger.block_root_of(
    p_scheme smallint, p_from xid8, p_upto xid8, p_since timestamptz, out entries bigint, out root bytea
)
language plpgsql stable set search_path = public, pg_temp as $$
begin
    if p_scheme = 1 then
        select r.entries, r.root into entries, root from ledger.block_root(p_from, p_upto, p_since) as r;
    else
        select count(*), sha256(coalesce(string_agg(l.leaf, ''::bytea order by l.place collate "C"), ''::bytea))
        into entries, root from ledger.leaves(p_from, p_upto, p_since) as l;
    end if;
end $$;

create or replace function ledger.seal_block() returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
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
    next.scheme := 2;
    if next.upto_xid <= next.from_xid then
        return null;
    end if;
    -- What was there before this scheme is far older than the last block, and belongs to the first one under it.
    select r.entries, r.root into next.entries, next.root
    from ledger.block_root_of(next.scheme, next.from_xid, next.upto_xid,
        case when last.scheme = next.scheme then last.sealed_at - interval '1 minute' else '-infinity' end) as r;
    if next.entries = 0 then
        return null;
    end if;
    next.hash := ledger.block_hash(coalesce(last.hash, ''), next.block_no, next.entries, next.root);
    next.sealed_at := clock_timestamp();
    insert into ledger_block select next.*;
    return next.block_no;
end $$;

create or replace view ledger.broken_block as
    select block_no, sealed_at
    from (
        select b.*, lag(hash, 1, ''::bytea) over (order by block_no) as before,
            case when lag(scheme) over (order by block_no) = scheme
                then lag(sealed_at) over (order by block_no) end as before_at,
            row_number() over (order by block_no) as expected_no
        from ledger_block b
    ) as b, lateral ledger.block_root_of(b.scheme, b.from_xid, b.upto_xid,
        coalesce(b.before_at - interval '1 minute', '-infinity')) as now
    where b.block_no <> b.expected_no or b.entries <> now.entries or b.root <> now.root
        or b.hash <> ledger.block_hash(b.before, b.block_no, b.entries, b.root);

-- Whether a month's free tokens went to another account of the same person: then this one has the month and no gift.
create function ledger.month_is_anothers(p_account_id uuid, p_period text) returns boolean
language sql stable security definer set search_path = public, pg_temp
return exists (
    select from grant_ g join account a using (identity)
    where a.account_id = p_account_id and g.period = p_period and g.account_id <> p_account_id
);

-- What no seal covers because it changes all the time: wallets, and the end of a price version.
alter view ledger.violation rename to violation_of_rows;
create view ledger.violation as
    select invariant, subject, detail from ledger.violation_of_rows
union all
    select 'I3', concat(account_id, ':', fund), concat('no wallet for ', count(*), ' entries')
    from ledger_entry e where account_id is not null and not exists (
        select from wallet w where w.account_id = e.account_id and w.fund = e.fund
    ) group by account_id, fund
union all
    select 'I5', concat(account_id, ':', fund), concat('credit of ', credit_limit, ' for the plan ', plan)
    from wallet join account using (account_id) where credit_limit > 0 and plan <> 'enterprise'
union all
    select 'I6', concat(account_id, ':', fund), concat('holds ', asset)
    from wallet where asset <> case fund when 'free' then 'FREE_TOKEN' else 'USD' end
union all
    select 'I12', concat(w.account_id, ':', w.fund), concat('of ', w.period)
    from wallet w left join (
        select account_id, max(split_part(idempotency_key, ':', 3)) as period from ledger_tx
        where kind = 'free_tokens' group by account_id
    ) t on t.account_id = w.account_id and w.fund = 'free'
    where w.period is distinct from t.period and not ledger.month_is_anothers(w.account_id, w.period)
union all
    select 'I10', price_id::text, 'ends when no other version begins'
    from (
        select price_id, upper(valid_during) as until,
            lead(lower(valid_during)) over (partition by model_id, provider order by lower(valid_during)) as next
        from price
    ) as versions
    where until is distinct from next;

call ledger.secure();
grant execute on function ledger.leaves(xid8, xid8, timestamptz),
    ledger.block_root_of(smallint, xid8, xid8, timestamptz), ledger.month_is_anothers(uuid, text) to mercato_admin, mercato_auditor;
