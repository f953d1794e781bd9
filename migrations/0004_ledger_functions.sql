-- What may be done to the books. Each function is called as one statement of its own, so no connection that is
-- given back half-way can leave a transaction open. Locks are always taken in the order hold, wallet, key.

-- Writes one entry of a wallet: new balance, next version, next link of the chain.
create function ledger.post_to_wallet(
    p_tx_id uuid, p_line smallint, p_account_id uuid, p_fund text, p_amount bigint, p_unhold bigint
) returns bigint
language plpgsql set search_path = public, pg_temp as $$
declare
    before wallet;
    link bytea;
begin
    select * into strict before from wallet where account_id = p_account_id and fund = p_fund for update;
    link := sha256(before.chain_head || convert_to(
        concat_ws('|', p_tx_id, p_line, p_account_id, p_fund, before.asset, p_amount,
            before.version + 1, before.posted + p_amount), 'UTF8'));
    update wallet
    set posted = posted + p_amount, held = held - p_unhold, version = version + 1, chain_head = link
    where account_id = p_account_id and fund = p_fund;
    insert into ledger_entry
        (tx_id, line, account, asset, amount, account_id, fund, wallet_version, balance_after, hash)
    values (p_tx_id, p_line, 'user:' || p_account_id || ':' || p_fund, before.asset, p_amount,
        p_account_id, p_fund, before.version + 1, before.posted + p_amount, link);
    return before.posted + p_amount;
end $$;

-- Sets money aside for a call: as much of `p_want` as balance and key allow, but at least `p_least`.
create function ledger.reserve(
    p_call_id uuid, p_account_id uuid, p_api_key_id uuid, p_conversation_id uuid,
    p_model_id text, p_provider text, p_price_id uuid, p_take_bps integer,
    p_want bigint, p_least bigint, p_instance_id uuid, p_lease_seconds integer,
    out outcome text, out amount bigint, out available bigint
)
language plpgsql set search_path = public, pg_temp as $$
declare
    room bigint;
begin
    amount := 0;
    -- A price that was replaced since the caller read it must not begin a new call.
    if not exists (select from price where price_id = p_price_id and valid_during @> now()) then
        outcome := 'price_changed';
        available := 0;
        return;
    end if;
    select w.posted - w.held + w.credit_limit into available
    from wallet w join account a using (account_id)
    where w.account_id = p_account_id and w.fund = 'paid' and a.suspended_at is null
    for update of w;
    if not found then
        outcome := 'no_account';
        available := 0;
        return;
    end if;
    if p_api_key_id is not null then
        select coalesce(k.limit_nanos - k.spent_nanos - k.held_nanos, 9223372036854775807) into room
        from api_key k
        where k.api_key_id = p_api_key_id and k.account_id = p_account_id and k.revoked_at is null
            and (k.expires_at is null or k.expires_at > now())
        for update;
        if not found then
            outcome := 'no_key';
            return;
        end if;
        if room < p_least then
            outcome := 'key_limit';
            available := room;
            return;
        end if;
    end if;
    amount := least(p_want, available, coalesce(room, p_want));
    if amount < p_least then
        outcome := 'balance';
        amount := 0;
        return;
    end if;
    update wallet set held = held + amount where account_id = p_account_id and fund = 'paid';
    if p_api_key_id is not null then
        update api_key set held_nanos = held_nanos + amount, last_used_at = now() where api_key_id = p_api_key_id;
    end if;
    insert into hold (call_id, account_id, api_key_id, conversation_id, model_id, provider, price_id, take_bps,
        amount, instance_id, lease_until)
    values (p_call_id, p_account_id, p_api_key_id, p_conversation_id, p_model_id, p_provider, p_price_id, p_take_bps,
        amount, p_instance_id, now() + make_interval(secs => p_lease_seconds));
    insert into hold_part (call_id, fund, amount) values (p_call_id, 'paid', amount);
    outcome := 'held';
    available := available - amount;
end $$;

-- Writes down how far calls have come and keeps their holds alive. Returns those this instance still owns.
create function ledger.checkpoint(
    p_instance_id uuid, p_lease_seconds integer,
    p_call_ids uuid[], p_inputs bigint[], p_outputs bigint[], p_costs bigint[], p_commissions bigint[]
) returns setof uuid
language sql set search_path = public, pg_temp as $$
    update hold h
    set progress_input = p.input, progress_output = p.output, progress_cost = p.cost,
        progress_commission = p.commission, lease_until = now() + make_interval(secs => p_lease_seconds)
    from unnest(p_call_ids, p_inputs, p_outputs, p_costs, p_commissions)
        as p (call_id, input, output, cost, commission)
    where h.call_id = p.call_id and h.state = 'open' and h.instance_id = p_instance_id
    returning h.call_id
$$;

-- Takes what was used out of a hold, once. A second call changes nothing and answers what the first one did.
create function ledger.capture(
    p_call_id uuid, p_input bigint, p_cached_input bigint, p_cache_write bigint, p_cache_write_1h bigint,
    p_output bigint, p_reasoning bigint, p_usage_source text, p_cost bigint, p_commission bigint, p_finish text,
    out applied boolean, out paid bigint, out released bigint, out overrun bigint, out available bigint
)
language plpgsql set search_path = public, pg_temp as $$
declare
    h hold;
    tx uuid;
    charge bigint := p_cost + p_commission;
begin
    if p_cost < 0 or p_commission < 0 then
        raise exception 'a capture is never negative' using errcode = 'check_violation';
    end if;
    update hold set state = case when charge > 0 then 'captured' else 'released' end, closed_at = now()
    where call_id = p_call_id and state = 'open' returning * into h;
    applied := found;
    if not applied then
        select u.charge - u.overrun, o.amount - (u.charge - u.overrun), u.overrun, w.posted - w.held + w.credit_limit
        into paid, released, overrun, available
        from hold o join usage_call u using (call_id)
            join wallet w on w.account_id = o.account_id and w.fund = 'paid'
        where o.call_id = p_call_id;
        return;
    end if;
    -- The hold is a promise: what a provider reports beyond it is paid by the house.
    paid := least(charge, h.amount);
    overrun := charge - paid;
    released := h.amount - paid;
    if charge > 0 then
        insert into ledger_tx (kind, idempotency_key, account_id, call_id, actor)
        values ('usage', p_call_id::text, h.account_id, p_call_id, 'system') returning tx_id into tx;
        insert into ledger_entry (tx_id, line, account, asset, amount)
        select tx, line, account, 'USD', amount
        from (values
            (2::smallint, 'provider:' || h.provider || ':payable', p_cost),
            (3::smallint, 'platform:commission', p_commission),
            (4::smallint, 'platform:overrun', -overrun)
        ) as rows (line, account, amount)
        where amount <> 0;
    end if;
    if paid > 0 then
        perform ledger.post_to_wallet(tx, 1::smallint, h.account_id, 'paid', -paid, h.amount);
    else
        update wallet set held = held - h.amount where account_id = h.account_id and fund = 'paid';
    end if;
    if h.api_key_id is not null then
        update api_key set held_nanos = held_nanos - h.amount, spent_nanos = spent_nanos + paid
        where api_key_id = h.api_key_id;
    end if;
    insert into usage_call (call_id, account_id, api_key_id, conversation_id, model_id, provider, price_id, take_bps,
        input, cached_input, cache_write, cache_write_1h, output, reasoning, usage_source,
        provider_cost, commission, charge, overrun, finish, started_at)
    values (p_call_id, h.account_id, h.api_key_id, h.conversation_id, h.model_id, h.provider, h.price_id, h.take_bps,
        p_input, p_cached_input, p_cache_write, p_cache_write_1h, p_output, p_reasoning, p_usage_source,
        p_cost, p_commission, charge, overrun, p_finish, h.opened_at);
    select w.posted - w.held + w.credit_limit into available
    from wallet w where w.account_id = h.account_id and w.fund = 'paid';
end $$;

-- Gives a whole hold back: nothing billable happened.
create function ledger.release(
    p_call_id uuid, p_finish text,
    out applied boolean, out paid bigint, out released bigint, out overrun bigint, out available bigint
)
language sql set search_path = public, pg_temp
begin atomic
    select * from ledger.capture(p_call_id, 0, 0, 0, 0, 0, 0, 'none', 0, 0, p_finish);
end;

-- Closes holds whose owner is gone, at what it had certainly delivered. Returns how many.
create function ledger.reap(p_limit integer) returns bigint
language sql set search_path = public, pg_temp as $$
    with gone as (
        select * from hold where state = 'open' and lease_until < now()
        order by lease_until limit p_limit for update skip locked
    )
    select count(*) from gone, lateral ledger.capture(
        gone.call_id, gone.progress_input, 0, 0, 0, gone.progress_output, 0,
        case when gone.progress_cost + gone.progress_commission > 0 then 'estimated' else 'none' end,
        gone.progress_cost, gone.progress_commission, 'interrupted') as closed
    where closed.applied
$$;

-- Acts on a verified payment event. The amount must be the one that was ordered.
create function ledger.record_payment(
    p_processor text, p_event_id text, p_top_up_id uuid, p_kind text, p_amount bigint
) returns text
language plpgsql set search_path = public, pg_temp as $$
declare
    ordered top_up;
    tx uuid;
begin
    select * into ordered from top_up where top_up_id = p_top_up_id and processor = p_processor for update;
    if not found then
        return 'unknown';
    end if;
    if ordered.amount <> p_amount or p_kind not in ('paid', 'declined') then
        return 'mismatch';
    end if;
    insert into payment_event (processor, event_id, payment_id, kind)
    values (p_processor, p_event_id, p_top_up_id, p_kind) on conflict do nothing;
    if not found or ordered.state = 'paid' then
        return 'duplicate';
    end if;
    update top_up set state = p_kind, settled_at = now() where top_up_id = p_top_up_id;
    if p_kind = 'declined' then
        return 'declined';
    end if;
    insert into ledger_tx (kind, idempotency_key, account_id, actor, reason)
    values ('top_up', p_processor || ':' || p_top_up_id, ordered.account_id, 'processor:' || p_processor, null)
    returning tx_id into tx;
    perform ledger.post_to_wallet(tx, 1::smallint, ordered.account_id, 'paid', p_amount, 0);
    insert into ledger_entry (tx_id, line, account, asset, amount)
    values (tx, 2, 'cash:' || p_processor, 'USD', -p_amount);
    return 'credited';
end $$;

-- History is written once.
create function ledger.refuse_change() returns trigger
language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'integrity_constraint_violation';
end $$;

create trigger ledger_tx_is_immutable before update or delete on ledger_tx
for each row execute function ledger.refuse_change();
create trigger ledger_entry_is_immutable before update or delete on ledger_entry
for each row execute function ledger.refuse_change();
create trigger usage_call_is_immutable before update or delete on usage_call
for each row execute function ledger.refuse_change();
create trigger audit_event_is_immutable before update or delete on audit_event
for each row execute function ledger.refuse_change();
create trigger ledger_tx_is_kept before truncate on ledger_tx
for each statement execute function ledger.refuse_change();
create trigger ledger_entry_is_kept before truncate on ledger_entry
for each statement execute function ledger.refuse_change();
create trigger usage_call_is_kept before truncate on usage_call
for each statement execute function ledger.refuse_change();
create trigger audit_event_is_kept before truncate on audit_event
for each statement execute function ledger.refuse_change();
