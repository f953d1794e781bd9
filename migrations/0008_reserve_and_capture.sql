-- The steps of a call, now with funds, budgets and free tokens. Each is called as one statement of its own.
--
-- Locks are taken in one order everywhere: hold, the account's paid wallet (which stands for all its funds), key, budgets.

drop function ledger.reap(integer);
drop function ledger.release(uuid, text);
drop function ledger.capture(uuid, bigint, bigint, bigint, bigint, bigint, bigint, text, bigint, bigint, text);
drop function ledger.reserve(uuid, uuid, uuid, uuid, text, text, uuid, integer, bigint, bigint, uuid, integer);

-- When paid calls must stop because the books do not add up; one row.
create table book_state (
    one boolean primary key default true constraint book_state_single check (one),
    safe_since timestamptz,
    reason text
);
insert into book_state default values;

-- When the window of a limit began that covers this moment; null resets never.
create function ledger.window_start(p_resets text) returns timestamptz
language sql stable set search_path = public, pg_temp
return date_trunc(p_resets, now() at time zone 'utc') at time zone 'utc';

-- Gives this month's free tokens and takes back what is left of an earlier month's. The account must be locked.
create function ledger.grant_free_tokens(p_account_id uuid) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
    this_period text := to_char(now() at time zone 'utc', 'YYYY-MM');
    free wallet;
    allowance bigint;
    tx uuid;
begin
    select * into strict free from wallet where account_id = p_account_id and fund = 'free';
    -- A clock that goes back must not give a month twice.
    if free.period >= this_period then
        return;
    end if;
    select p.free_tokens into strict allowance from account a join plan p using (plan) where a.account_id = p_account_id;
    insert into ledger_tx (kind, idempotency_key, account_id, actor)
    values ('free_tokens', format('free:%s:%s', p_account_id, this_period), p_account_id, 'system')
    returning tx_id into tx;
    if free.posted > free.held then
        perform ledger.post_to_wallet(tx, 1::smallint, p_account_id, 'free', free.held - free.posted, 0);
        insert into ledger_entry (tx_id, line, account, asset, amount)
        values (tx, 2, 'free_token:issuer', 'FREE_TOKEN', free.posted - free.held);
    end if;
    if allowance > 0 then
        perform ledger.post_to_wallet(tx, 3::smallint, p_account_id, 'free', allowance, 0);
        insert into ledger_entry (tx_id, line, account, asset, amount)
        values (tx, 4, 'free_token:issuer', 'FREE_TOKEN', -allowance);
        insert into grant_ (grant_id, account_id, fund, amount, remaining, period, reason, expires_at)
        values (tx, p_account_id, 'free', allowance, allowance, this_period, 'monthly allowance',
            ledger.window_start('month') + interval '1 month');
    end if;
    update wallet set period = this_period where account_id = p_account_id and fund = 'free';
end $$;

-- Takes back what is left of grants that have run out. The account must be locked.
create function ledger.expire_grants(p_account_id uuid) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
    gone grant_;
    room bigint;
    back bigint;
    tx uuid;
begin
    for gone in
        select * from grant_
        where account_id = p_account_id and fund = 'promo' and remaining > 0 and expires_at <= now()
        order by expires_at, grant_id for update
    loop
        select posted - held into strict room from wallet where account_id = p_account_id and fund = 'promo';
        -- What an open call still holds is taken back when it closes.
        back := least(gone.remaining, room);
        continue when back <= 0;
        insert into ledger_tx (kind, idempotency_key, account_id, actor, reason)
        values ('grant_expired', format('%s:%s', gone.grant_id, gone.remaining), p_account_id, 'system', gone.reason)
        returning tx_id into tx;
        perform ledger.post_to_wallet(tx, 1::smallint, p_account_id, 'promo', -back, 0);
        insert into ledger_entry (tx_id, line, account, asset, amount)
        values (tx, 2, 'platform:promo_expense', 'USD', back);
        update grant_ set remaining = remaining - back where grant_id = gone.grant_id;
    end loop;
end $$;

-- Sets money or free tokens aside for a call: as much of `p_want` as balance and limits allow, at least `p_least`.
--
-- `p_free_want` and `p_free_least` are null where the model takes no free tokens. `p_run_limit` opens or changes the
-- budget of a run.
create function ledger.reserve(
    p_call_id uuid, p_account_id uuid, p_api_key_id uuid, p_conversation_id uuid, p_run_id text, p_run_limit bigint,
    p_model_id text, p_provider text, p_price_id uuid, p_take_bps integer,
    p_want bigint, p_least bigint, p_free_want bigint, p_free_least bigint,
    p_instance_id uuid, p_lease_seconds integer,
    out outcome text, out amount bigint, out free_tokens bigint, out available bigint, out resets_at timestamptz
)
language plpgsql set search_path = public, pg_temp as $$
declare
    owner record;
    key api_key;
    limits budget;
    limit_ids uuid[];
    promo bigint := 0;
    free wallet;
    tightest bigint := p_want;
begin
    amount := 0;
    free_tokens := 0;
    available := 0;
    -- A price that was replaced since the caller read it must not begin a new call.
    select case
        when exists (select from book_state where safe_since is not null) then 'books_broken'
        when not exists (select from price where price_id = p_price_id and valid_during @> now()) then 'price_changed'
    end into outcome;
    if outcome is not null then
        return;
    end if;
    select w.posted - w.held + w.credit_limit as room, a.verified_at, a.frozen_at into owner
    from wallet w join account a using (account_id)
    where w.account_id = p_account_id and w.fund = 'paid' and a.suspended_at is null
    for update of w;
    if not found or owner.frozen_at is not null then
        outcome := case when owner.frozen_at is null then 'no_account' else 'frozen' end;
        return;
    end if;
    if p_api_key_id is not null then
        select * into key from api_key k
        where k.api_key_id = p_api_key_id and k.account_id = p_account_id and k.revoked_at is null
            and (k.expires_at is null or k.expires_at > now())
        for update;
        if not found then
            outcome := 'no_key';
            return;
        end if;
    end if;
    if p_free_want is not null and owner.verified_at is not null then
        perform ledger.grant_free_tokens(p_account_id);
        select * into strict free from wallet where account_id = p_account_id and fund = 'free';
        if free.posted - free.held >= p_free_least then
            outcome := 'held';
            free_tokens := least(p_free_want, free.posted - free.held);
            available := owner.room;
            update wallet set held = held + free_tokens where account_id = p_account_id and fund = 'free';
        end if;
    end if;
    if outcome is null then
        select w.posted - w.held into promo from wallet w where w.account_id = p_account_id and w.fund = 'promo';
        if promo > 0 and exists (
            select from grant_ g where g.account_id = p_account_id and g.remaining > 0 and g.fund = 'promo'
                and g.expires_at <= now()
        ) then
            perform ledger.expire_grants(p_account_id);
            select w.posted - w.held into promo from wallet w where w.account_id = p_account_id and w.fund = 'promo';
        end if;
        available := owner.room + promo;
        if key.limit_nanos is not null then
            if key.window_started_at < ledger.window_start(key.limit_resets) then
                update api_key set spent_nanos = 0, window_started_at = now() where api_key_id = p_api_key_id;
                key.spent_nanos := 0;
            end if;
            tightest := least(tightest, key.limit_nanos - key.spent_nanos - key.held_nanos);
            if tightest < p_least then
                outcome := 'key_limit';
                available := tightest;
                resets_at := ledger.window_start(key.limit_resets) + ('1 ' || key.limit_resets)::interval;
                return;
            end if;
        end if;
        if p_run_id is not null and p_run_limit is not null then
            insert into budget (account_id, scope, subject, limit_nanos)
            values (p_account_id, 'run', p_run_id, p_run_limit)
            on conflict on constraint budget_subject_unique
            do update set limit_nanos = greatest(excluded.limit_nanos, budget.spent_nanos + budget.held_nanos);
        end if;
        for limits in
            select * from budget b
            where b.account_id = p_account_id and (b.scope, b.subject) in (
                ('account', ''), ('conversation', p_conversation_id::text), ('run', p_run_id)
            )
            order by b.scope for update
        loop
            if limits.window_started_at < ledger.window_start(limits.resets) then
                update budget set spent_nanos = 0, window_started_at = now() where budget_id = limits.budget_id;
                limits.spent_nanos := 0;
            end if;
            limit_ids := limit_ids || limits.budget_id;
            tightest := least(tightest, limits.limit_nanos - limits.spent_nanos - limits.held_nanos);
            if tightest < p_least then
                outcome := limits.scope || '_limit';
                available := tightest;
                resets_at := ledger.window_start(limits.resets) + ('1 ' || limits.resets)::interval;
                return;
            end if;
        end loop;
        if least(tightest, available) < p_least then
            outcome := 'balance';
            return;
        end if;
        outcome := 'held';
        amount := least(tightest, available);
        available := available - amount;
        promo := least(promo, amount);
        if promo > 0 then
            update wallet set held = held + promo where account_id = p_account_id and fund = 'promo';
        end if;
        if amount > promo then
            update wallet set held = held + amount - promo where account_id = p_account_id and fund = 'paid';
        end if;
        if limit_ids is not null then
            update budget b set held_nanos = b.held_nanos + reserve.amount where b.budget_id = any (limit_ids);
        end if;
    end if;
    if p_api_key_id is not null then
        update api_key set held_nanos = held_nanos + amount, last_used_at = now() where api_key_id = p_api_key_id;
    end if;
    insert into hold (call_id, account_id, api_key_id, conversation_id, run_id, model_id, provider, price_id, take_bps,
        amount, promo, free_tokens, free_period, budget_ids, instance_id, lease_until)
    values (p_call_id, p_account_id, p_api_key_id, p_conversation_id, p_run_id, p_model_id, p_provider, p_price_id,
        p_take_bps, amount, promo, free_tokens,
        case when free_tokens > 0 then to_char(now() at time zone 'utc', 'YYYY-MM') end, limit_ids,
        p_instance_id, now() + make_interval(secs => p_lease_seconds));
end $$;

-- Takes what was used out of a hold, once. A second call changes nothing and answers what the first one did.
--
-- The hold is a promise: what a provider reports beyond it is paid by the house.
create function ledger.capture(
    p_call_id uuid, p_input bigint, p_cached_input bigint, p_cache_write bigint, p_cache_write_1h bigint,
    p_output bigint, p_reasoning bigint, p_usage_source text, p_cost bigint, p_commission bigint, p_finish text,
    out call_id uuid, out applied boolean, out paid bigint, out released bigint, out overrun bigint,
    out free_tokens bigint, out available bigint
)
language plpgsql set search_path = public, pg_temp as $$
declare
    h hold;
    tx uuid;
    charge bigint;
    from_promo bigint;
    used_tokens bigint := p_input + p_cached_input + p_cache_write + p_cache_write_1h + p_output + p_reasoning;
begin
    call_id := p_call_id;
    if p_cost < 0 or p_commission < 0 or used_tokens < 0 then
        raise exception 'a capture is never negative' using errcode = 'check_violation';
    end if;
    update hold set state = case when p_cost > 0 or (hold.free_tokens > 0 and used_tokens > 0)
        then 'captured' else 'released' end, closed_at = now()
    where hold.call_id = p_call_id and state = 'open' returning * into h;
    applied := found;
    if not applied then
        select u.charge - u.overrun, o.amount - (u.charge - u.overrun), u.overrun, u.free_tokens,
            (select sum(w.posted - w.held + w.credit_limit) from wallet w
             where w.account_id = o.account_id and w.asset = 'USD')
        into paid, released, overrun, free_tokens, available
        from hold o join usage_call u using (call_id) where o.call_id = p_call_id;
        return;
    end if;
    -- The paid wallet stands for the account: nobody else changes its funds, key or budgets from here on.
    perform from wallet w where w.account_id = h.account_id and w.fund = 'paid' for update;
    charge := case when h.free_tokens > 0 then 0 else p_cost + p_commission end;
    free_tokens := least(h.free_tokens, used_tokens);
    paid := least(charge, h.amount);
    overrun := charge - paid;
    released := h.amount - paid;
    from_promo := least(paid, h.promo);
    if h.state = 'captured' then
        insert into ledger_tx (kind, idempotency_key, account_id, call_id, actor)
        values ('usage', p_call_id::text, h.account_id, p_call_id, 'system') returning tx_id into tx;
        insert into ledger_entry (tx_id, line, account, asset, amount)
        select tx, line, account, asset, value
        from (values
            (3::smallint, 'provider:' || h.provider || ':payable', 'USD', p_cost),
            (4::smallint, 'platform:commission', 'USD', charge - p_cost),
            (5::smallint, 'platform:overrun', 'USD', -overrun),
            (7::smallint, 'free_token:issuer', 'FREE_TOKEN', free_tokens)
        ) as rows (line, account, asset, value)
        where value <> 0 and not (h.free_tokens > 0 and line = 4)
        union all
        select tx, 8::smallint, 'platform:promo_expense', 'USD', -p_cost where h.free_tokens > 0 and p_cost > 0;
    end if;
    if paid > from_promo then
        perform ledger.post_to_wallet(tx, 1::smallint, h.account_id, 'paid', from_promo - paid, h.amount - h.promo);
    elsif h.amount > h.promo then
        update wallet set held = held + h.promo - h.amount where account_id = h.account_id and fund = 'paid';
    end if;
    if h.promo > 0 then
        perform ledger.spend_promo(tx, h.account_id, from_promo, h.promo);
    end if;
    if h.free_tokens > 0 then
        perform ledger.spend_free_tokens(tx, h, free_tokens);
    end if;
    if h.api_key_id is not null then
        update api_key set held_nanos = held_nanos - h.amount, spent_nanos = spent_nanos + paid
        where api_key_id = h.api_key_id;
    end if;
    if h.budget_ids is not null then
        update budget set held_nanos = held_nanos - h.amount, spent_nanos = spent_nanos + paid
        where budget_id = any (h.budget_ids);
    end if;
    insert into usage_call (call_id, account_id, api_key_id, conversation_id, run_id, model_id, provider, price_id,
        take_bps, input, cached_input, cache_write, cache_write_1h, output, reasoning, usage_source,
        provider_cost, commission, charge, overrun, free_tokens, finish, started_at)
    values (p_call_id, h.account_id, h.api_key_id, h.conversation_id, h.run_id, h.model_id, h.provider, h.price_id,
        h.take_bps, p_input, p_cached_input, p_cache_write, p_cache_write_1h, p_output, p_reasoning, p_usage_source,
        p_cost, case when h.free_tokens > 0 then 0 else p_commission end, charge, overrun, free_tokens, p_finish,
        h.opened_at);
    select sum(w.posted - w.held + w.credit_limit) into available
    from wallet w where w.account_id = h.account_id and w.asset = 'USD';
end $$;

-- Spends held promotional money, soonest expiry first, and lets the rest of the hold go.
create function ledger.spend_promo(p_tx_id uuid, p_account_id uuid, p_spent bigint, p_held bigint) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
    source grant_;
    left_over bigint := p_spent;
    part bigint;
begin
    if p_spent > 0 then
        perform ledger.post_to_wallet(p_tx_id, 2::smallint, p_account_id, 'promo', -p_spent, p_held);
    else
        update wallet set held = held - p_held where account_id = p_account_id and fund = 'promo';
    end if;
    for source in
        select * from grant_ where account_id = p_account_id and fund = 'promo' and remaining > 0
        order by expires_at, grant_id for update
    loop
        exit when left_over = 0;
        part := least(source.remaining, left_over);
        update grant_ set remaining = remaining - part where grant_id = source.grant_id;
        left_over := left_over - part;
    end loop;
end $$;

-- Spends held free tokens; what is left of an earlier month's is taken back, not carried over.
create function ledger.spend_free_tokens(p_tx_id uuid, p_hold hold, p_spent bigint) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
    stale bigint;
    tx uuid;
begin
    if p_spent > 0 then
        perform ledger.post_to_wallet(p_tx_id, 6::smallint, p_hold.account_id, 'free', -p_spent, p_hold.free_tokens);
        update grant_ set remaining = remaining - p_spent
        where account_id = p_hold.account_id and fund = 'free' and period = p_hold.free_period;
    else
        update wallet set held = held - p_hold.free_tokens where account_id = p_hold.account_id and fund = 'free';
    end if;
    stale := p_hold.free_tokens - p_spent;
    if stale > 0 and exists (
        select from wallet where account_id = p_hold.account_id and fund = 'free' and period > p_hold.free_period
    ) then
        insert into ledger_tx (kind, idempotency_key, account_id, call_id, actor)
        values ('free_tokens_expired', p_hold.call_id::text, p_hold.account_id, p_hold.call_id, 'system')
        returning tx_id into tx;
        perform ledger.post_to_wallet(tx, 1::smallint, p_hold.account_id, 'free', -stale, 0);
        insert into ledger_entry (tx_id, line, account, asset, amount)
        values (tx, 2, 'free_token:issuer', 'FREE_TOKEN', stale);
    end if;
end $$;

-- Captures several calls in one commit, always in the order of their accounts so that two groups cannot block each other.
create function ledger.capture_many(
    p_call_ids uuid[], p_tokens bigint[], p_usage_sources text[], p_costs bigint[], p_commissions bigint[],
    p_finishes text[]
) returns table (
    call_id uuid, applied boolean, paid bigint, released bigint, overrun bigint, free_tokens bigint, available bigint
)
language plpgsql set search_path = public, pg_temp as $$
declare
    place integer;
begin
    for place in
        select p.place from unnest(p_call_ids) with ordinality as p (call_id, place) left join hold h using (call_id)
        order by h.account_id, p.call_id
    loop
        -- Six counts a call: input, cached input, cache write, cache write for an hour, output, reasoning.
        return query select c.* from ledger.capture(
            p_call_ids[place], p_tokens[place * 6 - 5], p_tokens[place * 6 - 4], p_tokens[place * 6 - 3],
            p_tokens[place * 6 - 2], p_tokens[place * 6 - 1], p_tokens[place * 6], p_usage_sources[place],
            p_costs[place], p_commissions[place], p_finishes[place]) as c;
    end loop;
end $$;

-- Closes holds whose owner is gone, at what it had certainly delivered, and notes that this server is alive.
create function ledger.reap(p_instance_id uuid, p_limit integer) returns bigint
language plpgsql set search_path = public, pg_temp as $$
declare
    gone hold;
    closed bigint := 0;
begin
    insert into instance (instance_id) values (p_instance_id)
    on conflict (instance_id) do update set seen_at = now();
    for gone in
        with expired as materialized (
            select * from hold where state = 'open' and lease_until < now()
            order by lease_until limit p_limit for update skip locked
        )
        select * from expired order by account_id, call_id
    loop
        closed := closed + (
            select count(*) from ledger.capture(
                gone.call_id, gone.progress_input, 0, 0, 0, gone.progress_output, 0,
                case when gone.progress_output > 0 then 'estimated' else 'none' end,
                gone.progress_cost, gone.progress_commission, 'interrupted') as c
            where c.applied
        );
    end loop;
    return closed;
end $$;

-- Writes down how far calls have come and keeps their holds alive. Returns those this instance still owns.
--
-- Progress only grows: a checkpoint that the database carries out late must not undo a newer one.
create or replace function ledger.checkpoint(
    p_instance_id uuid, p_lease_seconds integer,
    p_call_ids uuid[], p_inputs bigint[], p_outputs bigint[], p_costs bigint[], p_commissions bigint[]
) returns setof uuid
language sql set search_path = public, pg_temp as $$
    update hold h
    set (progress_input, progress_output, progress_cost, progress_commission) = (
            select p.input, p.output, p.cost, p.commission where p.output >= h.progress_output
            union all
            select h.progress_input, h.progress_output, h.progress_cost, h.progress_commission
            where p.output < h.progress_output
        ),
        lease_until = greatest(h.lease_until, now() + make_interval(secs => p_lease_seconds))
    from unnest(p_call_ids, p_inputs, p_outputs, p_costs, p_commissions)
        as p (call_id, input, output, cost, commission)
    where h.call_id = p.call_id and h.state = 'open' and h.instance_id = p_instance_id
    returning h.call_id
$$;
