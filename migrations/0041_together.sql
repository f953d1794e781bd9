-- Reservations of a group in one statement, as captures are, and fewer things to look up beside each row.

-- That a row's account, hold, transaction or price is there was looked up at every insert, each time locking the row
-- looked up, which for a price is the same row for everybody. The functions below copy these names from rows that they
-- have read or locked, and nothing that is named can be deleted: `ledger.orphan` finds out if it was all the same.
alter table hold
    drop constraint hold_account_id_fkey, drop constraint hold_api_key_id_fkey, drop constraint hold_price_id_fkey;
alter table ledger_tx drop constraint ledger_tx_account_id_fkey;
alter table ledger_entry drop constraint ledger_entry_tx_id_fkey;
alter table usage_call
    drop constraint usage_call_call_id_fkey, drop constraint usage_call_account_id_fkey,
    drop constraint usage_call_price_id_fkey;

-- Who looks for leases that have ended reads all open holds, of which there are few. Without this index a renewed lease
-- changes no index at all.
drop index hold_open_by_lease;

-- Rows that name what is not there.
create view ledger.orphan as
    select 'I2' as invariant, e.tx_id::text as subject, 'an entry without its transaction' as detail
    from ledger_entry e where not exists (select from ledger_tx t where t.tx_id = e.tx_id)
union all
    select 'I7', u.call_id::text, 'a call without a hold of its account'
    from usage_call u
    where not exists (select from hold h where h.call_id = u.call_id and h.account_id = u.account_id)
union all
    select 'I7', t.tx_id::text, 'a transaction without its account'
    from ledger_tx t
    where account_id is not null and not exists (select from account a where a.account_id = t.account_id)
union all
    select 'I7', h.call_id::text, 'a hold without its account'
    from hold h where not exists (select from account a where a.account_id = h.account_id)
union all
    select 'I7', h.call_id::text, 'a hold without a key of its account'
    from hold h
    where api_key_id is not null and not exists (
        select from api_key k where k.api_key_id = h.api_key_id and k.account_id = h.account_id
    )
union all
    select 'I10', h.call_id::text, 'a hold without its price'
    from hold h where not exists (select from price p where p.price_id = h.price_id)
union all
    select 'I10', u.call_id::text, 'a call without its price'
    from usage_call u where not exists (select from price p where p.price_id = u.price_id);

alter view ledger.violation rename to violation_of_value;
create view ledger.violation as
    select invariant, subject, detail from ledger.violation_of_value
union all
    select invariant, subject, detail from ledger.orphan;

-- Locks holds in the order in which captures lock them, so that neither need wait for the other to be over.
create or replace function ledger.checkpoint(
    p_instance_id uuid, p_lease_seconds integer,
    p_call_ids uuid[], p_inputs bigint[], p_outputs bigint[], p_costs bigint[], p_commissions bigint[]
) returns setof uuid
language sql security definer set search_path = public, pg_temp as $$
    with locked as materialized (
        select h.call_id from hold h where h.call_id = any (p_call_ids)
        order by h.account_id, h.call_id for update
    )
    update hold h
    set (progress_input, progress_output, progress_cost, progress_commission) = (
            select p.input, p.output, p.cost, p.commission where p.output >= h.progress_output
            union all
            select h.progress_input, h.progress_output, h.progress_cost, h.progress_commission
            where p.output < h.progress_output
        ),
        lease_until = greatest(h.lease_until, now() + make_interval(secs => p_lease_seconds))
    from unnest(p_call_ids, p_inputs, p_outputs, p_costs, p_commissions)
        as p (call_id, input, output, cost, commission) join locked using (call_id)
    where h.call_id = p.call_id and h.state = 'open' and h.instance_id = p_instance_id
    returning h.call_id
$$;

-- Sets money aside for several calls in one commit. Those that nothing but the balance limits, as nearly all are, are
-- made together, a statement for all; the rest one by one. Either way it is as if each had been made for itself.
--
-- All paid wallets are locked first and then all keys, each in the order of their accounts, so that two groups cannot
-- block each other. A group is planned once for all sizes: planning it takes longer than carrying it out.
create or replace function ledger.reserve_many(
    p_call_ids uuid[], p_account_ids uuid[], p_api_key_ids uuid[], p_conversation_ids uuid[], p_run_ids text[],
    p_run_limits bigint[], p_model_ids text[], p_providers text[], p_price_ids uuid[], p_take_bps integer[],
    p_wants bigint[], p_leasts bigint[], p_free_wants bigint[], p_free_leasts bigint[],
    p_instance_ids uuid[], p_lease_seconds integer
) returns table (
    call_id uuid, outcome text, amount bigint, free_tokens bigint, available bigint, resets_at timestamptz
)
language plpgsql security definer set search_path = public, pg_temp set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    made bigint := 0;
begin
    if cardinality(p_call_ids) > 1 then
        return query with purse as materialized (
                select w.account_id, w.posted - w.held + w.credit_limit as room from wallet w
                where w.account_id = any (p_account_ids) and w.fund = 'paid' order by w.account_id for update
            ), key as materialized (
                select k.api_key_id, k.account_id from api_key k
                where k.api_key_id = any (p_api_key_ids) and (select count(*) from purse) > 0
                    and k.revoked_at is null and (k.expires_at is null or k.expires_at > now()) and k.limit_nanos is null
                order by k.account_id, k.api_key_id for update
            ), wanted as materialized (
                select p.*, purse.room - sum(want) over (partition by account_id) as room_after
                from unnest(p_call_ids, p_account_ids, p_api_key_ids, p_conversation_ids, p_run_ids, p_run_limits,
                    p_model_ids, p_providers, p_price_ids, p_take_bps, p_wants, p_free_wants, p_instance_ids)
                    as p (call_id, account_id, api_key_id, conversation_id, run_id, run_limit, model_id, provider,
                        price_id, take_bps, want, free_want, instance_id)
                    join purse using (account_id)
            ), plain as materialized (
                select p.* from wanted p
                    join account a using (account_id)
                    join wallet promo on promo.account_id = p.account_id and promo.fund = 'promo'
                where room_after >= 0 and a.suspended_at is null and a.frozen_at is null and promo.posted = promo.held
                    and (p.free_want is null or a.verified_at is null) and p.run_limit is null
                    and (p.api_key_id is null or (p.api_key_id, p.account_id) in (select api_key_id, account_id from key))
                    and not exists (select from budget b where b.account_id = p.account_id)
                    and exists (select from price v where v.price_id = p.price_id and v.valid_during @> now())
                    and not exists (select from book_state where safe_since is not null)
            ), set_aside as (
                update wallet w set held = w.held + s.want
                from (select account_id, sum(want) as want from plain group by account_id) as s
                where w.account_id = s.account_id and w.fund = 'paid'
            ), key_used as (
                update api_key k set held_nanos = k.held_nanos + s.want, last_used_at = now()
                from (
                    select api_key_id, sum(want) as want from plain where api_key_id is not null group by api_key_id
                ) as s
                where k.api_key_id = s.api_key_id
            ), opened as (
                insert into hold (call_id, account_id, api_key_id, conversation_id, run_id, model_id, provider, price_id,
                    take_bps, amount, promo, free_tokens, instance_id, lease_until)
                select call_id, account_id, api_key_id, conversation_id, run_id, model_id, provider, price_id, take_bps,
                    want, 0, 0, instance_id, now() + make_interval(secs => p_lease_seconds)
                from plain
            )
            select call_id, 'held', want, 0::bigint, room_after::bigint, null::timestamptz from plain;
        get diagnostics made = row_count;
    end if;
    if made < cardinality(p_call_ids) then
        return query select p.call_id, r.outcome, r.amount, r.free_tokens, r.available, r.resets_at
        from (
            select * from unnest(p_call_ids, p_account_ids, p_api_key_ids, p_conversation_ids, p_run_ids, p_run_limits,
                p_model_ids, p_providers, p_price_ids, p_take_bps, p_wants, p_leasts, p_free_wants, p_free_leasts,
                p_instance_ids)
                as p (call_id, account_id, api_key_id, conversation_id, run_id, run_limit, model_id, provider, price_id,
                    take_bps, want, least, free_want, free_least, instance_id)
            -- What was opened in this transaction has its time.
            where made = 0 or not exists (select from hold h where h.call_id = p.call_id and h.opened_at = now())
            order by account_id, call_id
        ) as p cross join lateral ledger.reserve(p.call_id, p.account_id, p.api_key_id, p.conversation_id, p.run_id,
            p.run_limit, p.model_id, p.provider, p.price_id, p.take_bps, p.want, p.least, p.free_want, p.free_least,
            p.instance_id, p_lease_seconds) as r;
    end if;
end $$;

-- Calls follow each other in time as they follow each other on disk.
drop index usage_call_by_time;
create index usage_call_by_time on usage_call using brin (settled_at);

-- Who closes a hold notes the transaction; a row whose writer does not is helped.
drop trigger hold_closes on hold;
create trigger hold_closes before update of state on hold
for each row when (old.state = 'open' and new.state <> 'open' and new.closed_xid is null) execute function ledger.note_closing();

-- Captures several calls in one commit. What is paid with money alone and under no budget, as nearly all is, is booked
-- together, a statement for all; the rest one by one. Either way it is as if each had been captured for itself, account
-- by account.
--
-- All holds are locked first and then all paid wallets, each in the order of their accounts, so that two groups cannot
-- block each other. A group is planned once for all sizes: planning it takes longer than carrying it out.
create or replace function ledger.capture_many(
    p_call_ids uuid[], p_tokens bigint[], p_usage_sources text[], p_costs bigint[], p_commissions bigint[],
    p_finishes text[]
) returns table (
    call_id uuid, applied boolean, paid bigint, released bigint, overrun bigint, free_tokens bigint, available bigint
)
language plpgsql security definer set search_path = public, pg_temp set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    made bigint;
    place integer;
begin
    if cardinality(p_call_ids) = 1 then
        return query select c.* from ledger.capture(p_call_ids[1], p_tokens[1], p_tokens[2], p_tokens[3], p_tokens[4],
            p_tokens[5], p_tokens[6], p_usage_sources[1], p_costs[1], p_commissions[1], p_finishes[1]) as c;
        return;
    end if;
    return query with recursive locked as materialized (
            select h.*, p.usage_source, p.cost, p.commission, p.finish, p.place
            from unnest(p_call_ids, p_usage_sources, p_costs, p_commissions, p_finishes)
                with ordinality as p (call_id, usage_source, cost, commission, finish, place) join hold h using (call_id)
            where h.state = 'open' order by h.account_id, h.call_id for update of h
        ), wallets as materialized (
            select w.* from wallet w where w.account_id in (select account_id from locked) and w.fund = 'paid'
            order by w.account_id for update
        ), used as materialized (
            select first.*, least(cost + commission, amount) as paid,
                row_number() over (partition by account_id order by call_id) as turn,
                count(*) over (partition by account_id) as turns
            from (select distinct on (call_id) * from locked order by call_id, place) as first
            where amount > 0 and promo = 0 and free_tokens = 0 and budget_ids is null and cost > 0 and commission >= 0
                and 0 <= all (p_tokens[place * 6 - 5:place * 6])
        ), chain as (
            -- Each entry of a wallet follows from the one before.
            select u.account_id, u.turn, u.turns, u.call_id, u.paid, u.amount, w.asset, w.version + 1 as version,
                w.posted - u.paid as balance, w.held - u.amount as held, w.credit_limit,
                ledger.link(w.chain_head, u.call_id, 1::smallint, w.account_id, w.fund, w.asset, -u.paid, w.version + 1,
                    w.posted - u.paid) as head
            from used u join wallets w on w.account_id = u.account_id
            where u.turn = 1
            union all
            select u.account_id, u.turn, u.turns, u.call_id, u.paid, u.amount, c.asset, c.version + 1,
                c.balance - u.paid, c.held - u.amount, c.credit_limit,
                ledger.link(c.head, u.call_id, 1::smallint, u.account_id, 'paid', c.asset, -u.paid, c.version + 1,
                    c.balance - u.paid)
            from chain c join used u on u.account_id = c.account_id and u.turn = c.turn + 1
            where c.turn < c.turns
        ), closed as (
            update hold h set state = 'captured', closed_at = now(), closed_xid = pg_current_xact_id()
            from used u where h.call_id = u.call_id
        ), purse as (
            update wallet w set posted = c.balance, version = c.version, chain_head = c.head, held = c.held
            from chain c where w.account_id = c.account_id and w.fund = 'paid' and c.turn = c.turns
        ), moved as (
            insert into ledger_tx (tx_id, kind, idempotency_key, account_id, call_id, actor)
            select call_id, 'usage', call_id::text, account_id, call_id, 'system' from used
        ), entered as (
            insert into ledger_entry
                (tx_id, line, account, asset, amount, account_id, fund, wallet_version, balance_after, hash)
            select call_id, 1::smallint, 'user:' || account_id || ':paid', asset, -paid, account_id, 'paid', version,
                balance, head
            from chain
            union all
            select u.call_id, l.line, l.account, 'USD', l.amount, null, null, null, null, null
            from used u, lateral (values
                (3::smallint, 'provider:' || u.provider || ':payable', u.cost),
                (4::smallint, 'platform:commission', u.commission),
                (5::smallint, 'platform:overrun', u.paid - u.cost - u.commission)
            ) as l (line, account, amount)
            where l.amount <> 0
        ), key_used as (
            update api_key k set held_nanos = k.held_nanos - s.held, spent_nanos = k.spent_nanos + s.paid
            from (
                select api_key_id, sum(amount) as held, sum(paid) as paid from used
                where api_key_id is not null group by api_key_id
            ) as s
            where k.api_key_id = s.api_key_id
        ), written as (
            insert into usage_call (call_id, account_id, api_key_id, conversation_id, run_id, model_id, provider, price_id,
                take_bps, input, cached_input, cache_write, cache_write_1h, output, reasoning, usage_source,
                provider_cost, commission, charge, overrun, free_tokens, finish, started_at)
            select call_id, account_id, api_key_id, conversation_id, run_id, model_id, provider, price_id, take_bps,
                p_tokens[place * 6 - 5], p_tokens[place * 6 - 4], p_tokens[place * 6 - 3], p_tokens[place * 6 - 2],
                p_tokens[place * 6 - 1], p_tokens[place * 6], usage_source, cost, commission, cost + commission,
                cost + commission - paid, 0, finish, opened_at
            from used
        )
        select c.call_id, true, c.paid, c.amount - c.paid, p_costs[u.place] + p_commissions[u.place] - c.paid, 0::bigint,
            c.balance - c.held + c.credit_limit + (
                select w.posted - w.held + w.credit_limit from wallet w
                where w.account_id = c.account_id and w.fund = 'promo'
            )
        from chain c join used u using (call_id);
    get diagnostics made = row_count;
    if made = cardinality(p_call_ids) then
        return;
    end if;
    for place in
        select p.place
        from (
            select call_id, place, row_number() over (partition by call_id order by place) as nth
            from unnest(p_call_ids) with ordinality as p (call_id, place)
        ) as p left join hold h using (call_id)
        -- What was closed in this transaction is done, but for who asked twice.
        where nth > 1 or h.closed_xid is distinct from pg_current_xact_id()
        order by h.account_id, p.call_id, p.place
    loop
        -- Six counts a call: input, cached input, cache write, cache write for an hour, output, reasoning.
        return query select c.* from ledger.capture(
            p_call_ids[place], p_tokens[place * 6 - 5], p_tokens[place * 6 - 4], p_tokens[place * 6 - 3],
            p_tokens[place * 6 - 2], p_tokens[place * 6 - 1], p_tokens[place * 6], p_usage_sources[place],
            p_costs[place], p_commissions[place], p_finishes[place]) as c;
    end loop;
end $$;
drop function ledger.capture_together;

call ledger.secure();
call ledger.open_door('mercato_runtime', array[
    'ledger.checkpoint', 'ledger.reserve_many', 'ledger.capture_many'
]);
