-- The steps of a call once more, doing the same in fewer statements: each costs a start and an end of its own, and a
-- call pays for all of them. Locks are taken in the same order as before: hold, paid wallet, key, budgets.

-- Wallets are updated in place over and over: room on each page keeps the new version beside the old one, so that no
-- index need learn of it.
alter table wallet set (fillfactor = 70);
alter table api_key set (fillfactor = 80);
alter table budget set (fillfactor = 80);

-- Stable, though it always answers alike: what it is made of is called stable too, and only a function that claims no
-- more than its parts is expanded where it is used.
create or replace function ledger.link(
    p_before bytea, p_tx_id uuid, p_line smallint, p_account_id uuid, p_fund text, p_asset text, p_amount bigint,
    p_version bigint, p_balance bigint
) returns bytea
language sql stable parallel safe
return sha256(p_before || convert_to(
    concat_ws('|', p_tx_id, p_line, p_account_id, p_fund, p_asset, p_amount, p_version, p_balance), 'UTF8'));

-- Writes one entry of a wallet: new balance, next version, next link of the chain.
create or replace function ledger.post_to_wallet(
    p_tx_id uuid, p_line smallint, p_account_id uuid, p_fund text, p_amount bigint, p_unhold bigint
) returns bigint
language plpgsql set search_path = public, pg_temp as $$
declare
    balance bigint;
begin
    with after as (
        update wallet
        set posted = posted + p_amount, held = held - p_unhold, version = version + 1,
            chain_head = ledger.link(chain_head, p_tx_id, p_line, account_id, fund, asset, p_amount, version + 1,
                posted + p_amount)
        where account_id = p_account_id and fund = p_fund
        returning asset, posted, version, chain_head
    )
    insert into ledger_entry
        (tx_id, line, account, asset, amount, account_id, fund, wallet_version, balance_after, hash)
    select p_tx_id, p_line, 'user:' || p_account_id || ':' || p_fund, asset, p_amount,
        p_account_id, p_fund, version, posted, chain_head
    from after returning balance_after into strict balance;
    return balance;
end $$;

create or replace function ledger.reserve(
    p_call_id uuid, p_account_id uuid, p_api_key_id uuid, p_conversation_id uuid, p_run_id text, p_run_limit bigint,
    p_model_id text, p_provider text, p_price_id uuid, p_take_bps integer,
    p_want bigint, p_least bigint, p_free_want bigint, p_free_least bigint,
    p_instance_id uuid, p_lease_seconds integer,
    out outcome text, out amount bigint, out free_tokens bigint, out available bigint, out resets_at timestamptz
)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    owner record;
    key api_key;
    purse record;
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
    select books.stopped, books.priced, found_owner.* into owner
    from (
        select exists (select from book_state where safe_since is not null) as stopped,
            exists (select from price where price_id = p_price_id and valid_during @> now()) as priced
    ) as books left join lateral (
        select w.posted - w.held + w.credit_limit as room, a.verified_at, a.frozen_at
        from wallet w join account a using (account_id)
        where w.account_id = p_account_id and w.fund = 'paid' and a.suspended_at is null
        for update of w
    ) as found_owner on true;
    outcome := case
        when owner.stopped then 'books_broken'
        when not owner.priced then 'price_changed'
        when owner.room is null then 'no_account'
        when owner.frozen_at is not null then 'frozen'
    end;
    if outcome is not null then
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
        -- Read only now: nobody changes these while the paid wallet is locked.
        select w.posted - w.held as promo, exists (select from budget b where b.account_id = p_account_id) as limited
        into strict purse
        from wallet w where w.account_id = p_account_id and w.fund = 'promo';
        promo := purse.promo;
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
            purse.limited := true;
        end if;
        if purse.limited then
            for limits in
                select * from budget b
                where b.account_id = p_account_id and (b.scope, b.subject) in (
                    ('account', ''), ('conversation', p_conversation_id::text), ('run', p_run_id)
                )
                order by b.scope for update
            loop
                if limits.window_started_at < ledger.window_start(limits.resets) then
                    update budget set spent_nanos = 0, window_started_at = now()
                    where budget_id = limits.budget_id;
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
        end if;
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
        if limit_ids is not null then
            update budget b set held_nanos = b.held_nanos + reserve.amount where b.budget_id = any (limit_ids);
        end if;
    end if;
    if p_api_key_id is not null then
        update api_key set held_nanos = held_nanos + amount, last_used_at = now() where api_key_id = p_api_key_id;
    end if;
    with set_aside as (
        update wallet set held = held + amount - promo
        where account_id = p_account_id and fund = 'paid' and amount > promo
    )
    insert into hold (call_id, account_id, api_key_id, conversation_id, run_id, model_id, provider, price_id, take_bps,
        amount, promo, free_tokens, free_period, budget_ids, instance_id, lease_until)
    values (p_call_id, p_account_id, p_api_key_id, p_conversation_id, p_run_id, p_model_id, p_provider, p_price_id,
        p_take_bps, amount, promo, free_tokens,
        case when free_tokens > 0 then to_char(now() at time zone 'utc', 'YYYY-MM') end, limit_ids,
        p_instance_id, now() + make_interval(secs => p_lease_seconds));
end $$;

-- Sets money aside for several calls in one commit, always in the order of their accounts so that two groups cannot
-- block each other. A group is planned once for all sizes: planning it takes longer than carrying it out.
create function ledger.reserve_many(
    p_call_ids uuid[], p_account_ids uuid[], p_api_key_ids uuid[], p_conversation_ids uuid[], p_run_ids text[],
    p_run_limits bigint[], p_model_ids text[], p_providers text[], p_price_ids uuid[], p_take_bps integer[],
    p_wants bigint[], p_leasts bigint[], p_free_wants bigint[], p_free_leasts bigint[],
    p_instance_ids uuid[], p_lease_seconds integer
) returns table (
    call_id uuid, outcome text, amount bigint, free_tokens bigint, available bigint, resets_at timestamptz
)
language plpgsql security definer set search_path = public, pg_temp set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
    return query select p.call_id, r.outcome, r.amount, r.free_tokens, r.available, r.resets_at
    from (
        select * from unnest(p_call_ids, p_account_ids, p_api_key_ids, p_conversation_ids, p_run_ids, p_run_limits,
            p_model_ids, p_providers, p_price_ids, p_take_bps, p_wants, p_leasts, p_free_wants, p_free_leasts,
            p_instance_ids)
            as p (call_id, account_id, api_key_id, conversation_id, run_id, run_limit, model_id, provider, price_id,
                take_bps, want, least, free_want, free_least, instance_id)
        order by account_id, call_id
    ) as p cross join lateral ledger.reserve(p.call_id, p.account_id, p.api_key_id, p.conversation_id, p.run_id,
        p.run_limit, p.model_id, p.provider, p.price_id, p.take_bps, p.want, p.least, p.free_want, p.free_least,
        p.instance_id, p_lease_seconds) as r;
end $$;

-- Takes what was used out of a hold, once. A second call changes nothing and answers what the first one did.
--
-- The hold is a promise: what a provider reports beyond it is paid by the house. The transaction bears the id of the
-- call, which grows with time, so that what is written together lies together.
create or replace function ledger.capture(
    p_call_id uuid, p_input bigint, p_cached_input bigint, p_cache_write bigint, p_cache_write_1h bigint,
    p_output bigint, p_reasoning bigint, p_usage_source text, p_cost bigint, p_commission bigint, p_finish text,
    out call_id uuid, out applied boolean, out paid bigint, out released bigint, out overrun bigint,
    out free_tokens bigint, out available bigint
)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    h hold;
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
    charge := case when h.free_tokens > 0 then 0 else p_cost + p_commission end;
    free_tokens := least(h.free_tokens, used_tokens);
    paid := least(charge, h.amount);
    overrun := charge - paid;
    released := h.amount - paid;
    from_promo := least(paid, h.promo);
    if h.state = 'released' and paid > 0 then
        raise exception 'a commission is a share of a cost' using errcode = 'check_violation';
    end if;
    -- The paid wallet stands for the account: nobody else changes its funds, key or budgets from here on.
    if paid <= from_promo then
        update wallet set held = held + h.promo - h.amount
        where account_id = h.account_id and fund = 'paid' and h.amount > h.promo;
        if not found then
            perform from wallet where account_id = h.account_id and fund = 'paid' for update;
        end if;
    end if;
    if h.state = 'captured' then
        with moved as (
            insert into ledger_tx (tx_id, kind, idempotency_key, account_id, call_id, actor)
            values (p_call_id, 'usage', p_call_id::text, h.account_id, p_call_id, 'system')
        ), purse as (
            update wallet
            set posted = posted + from_promo - paid, held = held + h.promo - h.amount, version = version + 1,
                chain_head = ledger.link(chain_head, p_call_id, 1::smallint, account_id, fund, asset,
                    from_promo - paid, version + 1, posted + from_promo - paid)
            where account_id = h.account_id and fund = 'paid' and paid > from_promo
            returning asset, version, posted, chain_head
        )
        insert into ledger_entry
            (tx_id, line, account, asset, amount, account_id, fund, wallet_version, balance_after, hash)
        select p_call_id, 1::smallint, 'user:' || h.account_id || ':paid', asset, from_promo - paid, h.account_id,
            'paid', version, posted, chain_head
        from purse
        union all
        select p_call_id, line, account, asset, value, null, null, null, null, null
        from (values
            (3::smallint, 'provider:' || h.provider || ':payable', 'USD', p_cost),
            (4::smallint, 'platform:commission', 'USD', case when h.free_tokens > 0 then 0 else charge - p_cost end),
            (5::smallint, 'platform:overrun', 'USD', -overrun),
            (7::smallint, 'free_token:issuer', 'FREE_TOKEN', capture.free_tokens),
            (8::smallint, 'platform:promo_expense', 'USD', case when h.free_tokens > 0 then -p_cost else 0 end)
        ) as rows (line, account, asset, value)
        where value <> 0;
    end if;
    if h.promo > 0 then
        perform ledger.spend_promo(p_call_id, h.account_id, from_promo, h.promo);
    end if;
    if h.free_tokens > 0 then
        perform ledger.spend_free_tokens(p_call_id, h, free_tokens);
    end if;
    if h.api_key_id is not null then
        update api_key set held_nanos = held_nanos - h.amount, spent_nanos = spent_nanos + paid
        where api_key_id = h.api_key_id;
    end if;
    if h.budget_ids is not null then
        update budget set held_nanos = held_nanos - h.amount, spent_nanos = spent_nanos + paid
        where budget_id = any (h.budget_ids);
    end if;
    with used as (
        insert into usage_call (call_id, account_id, api_key_id, conversation_id, run_id, model_id, provider, price_id,
            take_bps, input, cached_input, cache_write, cache_write_1h, output, reasoning, usage_source,
            provider_cost, commission, charge, overrun, free_tokens, finish, started_at)
        values (p_call_id, h.account_id, h.api_key_id, h.conversation_id, h.run_id, h.model_id, h.provider, h.price_id,
            h.take_bps, p_input, p_cached_input, p_cache_write, p_cache_write_1h, p_output, p_reasoning,
            p_usage_source, p_cost, case when h.free_tokens > 0 then 0 else p_commission end, charge, capture.overrun,
            capture.free_tokens, p_finish, h.opened_at)
    )
    select sum(w.posted - w.held + w.credit_limit) into available
    from wallet w where w.account_id = h.account_id and w.asset = 'USD';
end $$;

-- Books captures that are paid with money alone. Their holds, open and each named once, and their paid wallets are locked.
create function ledger.capture_together(
    p_places bigint[], p_call_ids uuid[], p_tokens bigint[], p_usage_sources text[], p_costs bigint[],
    p_commissions bigint[], p_finishes text[]
) returns table (
    call_id uuid, applied boolean, paid bigint, released bigint, overrun bigint, free_tokens bigint, available bigint
)
-- Planned once: planning it takes longer than carrying it out.
language plpgsql set search_path = public, pg_temp set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
    return query with recursive used as materialized (
            select h.*, p.usage_source, p.cost, p.commission, p.finish, p.place,
                least(p.cost + p.commission, h.amount) as paid,
                p.cost + p.commission - least(p.cost + p.commission, h.amount) as overrun,
                row_number() over (partition by h.account_id order by h.call_id) as turn
            from unnest(p_call_ids, p_usage_sources, p_costs, p_commissions, p_finishes)
                with ordinality as p (call_id, usage_source, cost, commission, finish, place) join hold h using (call_id)
            where p.place = any (p_places)
        ), chain as (
            -- Each entry of a wallet follows from the one before.
            select u.account_id, u.turn, u.call_id, u.paid, w.asset, w.version + 1 as version, w.posted - u.paid as balance,
                ledger.link(w.chain_head, u.call_id, 1::smallint, w.account_id, w.fund, w.asset, -u.paid, w.version + 1,
                    w.posted - u.paid) as head
            from used u join wallet w on w.account_id = u.account_id and w.fund = 'paid'
            where u.turn = 1
            union all
            select u.account_id, u.turn, u.call_id, u.paid, c.asset, c.version + 1, c.balance - u.paid,
                ledger.link(c.head, u.call_id, 1::smallint, u.account_id, 'paid', c.asset, -u.paid, c.version + 1,
                    c.balance - u.paid)
            from chain c join used u on u.account_id = c.account_id and u.turn = c.turn + 1
        ), closed as (
            update hold h set state = 'captured', closed_at = now() from used u where h.call_id = u.call_id
        ), purse as (
            update wallet w
            set posted = c.balance, version = c.version, chain_head = c.head, held = w.held - s.held
            from (select account_id, max(turn) as turn, sum(amount) as held from used group by account_id) as s
                join chain c using (account_id, turn)
            where w.account_id = s.account_id and w.fund = 'paid'
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
                (5::smallint, 'platform:overrun', -u.overrun)
            ) as l (line, account, amount)
            where l.amount <> 0
        ), key_used as (
            update api_key k set held_nanos = k.held_nanos - s.held, spent_nanos = k.spent_nanos + s.paid
            from (
                select api_key_id, sum(amount) as held, sum(paid) as paid from used
                where api_key_id is not null group by api_key_id
            ) as s
            where k.api_key_id = s.api_key_id
        ), budget_used as (
            update budget b set held_nanos = b.held_nanos - s.held, spent_nanos = b.spent_nanos + s.paid
            from (
                select budget_id, sum(amount) as held, sum(paid) as paid
                from used u, unnest(u.budget_ids) as budget_id group by budget_id
            ) as s
            where b.budget_id = s.budget_id
        ), written as (
            insert into usage_call (call_id, account_id, api_key_id, conversation_id, run_id, model_id, provider, price_id,
                take_bps, input, cached_input, cache_write, cache_write_1h, output, reasoning, usage_source,
                provider_cost, commission, charge, overrun, free_tokens, finish, started_at)
            select call_id, account_id, api_key_id, conversation_id, run_id, model_id, provider, price_id, take_bps,
                p_tokens[place * 6 - 5], p_tokens[place * 6 - 4], p_tokens[place * 6 - 3], p_tokens[place * 6 - 2],
                p_tokens[place * 6 - 1], p_tokens[place * 6], usage_source, cost, commission, cost + commission, overrun,
                0, finish, opened_at
            from used
        )
        select call_id, true, paid, amount - paid, overrun, 0::bigint, (
                select sum(w.posted - w.held + w.credit_limit) from wallet w
                where w.account_id = used.account_id and w.asset = 'USD'
            )::bigint + sum(amount - paid) over (partition by account_id order by turn)::bigint
        from used;
end $$;

-- Captures several calls in one commit. What is paid with money alone, as nearly all is, is booked together, a statement
-- for all; the rest one by one. Either way it is as if each had been captured for itself, account by account.
--
-- All holds are locked first and then all paid wallets, each in the order of their accounts, so that two groups cannot
-- block each other.
create or replace function ledger.capture_many(
    p_call_ids uuid[], p_tokens bigint[], p_usage_sources text[], p_costs bigint[], p_commissions bigint[],
    p_finishes text[]
) returns table (
    call_id uuid, applied boolean, paid bigint, released bigint, overrun bigint, free_tokens bigint, available bigint
)
language plpgsql security definer set search_path = public, pg_temp set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    together bigint[];
    place integer;
begin
    if cardinality(p_call_ids) = 1 then
        return query select c.* from ledger.capture(p_call_ids[1], p_tokens[1], p_tokens[2], p_tokens[3], p_tokens[4],
            p_tokens[5], p_tokens[6], p_usage_sources[1], p_costs[1], p_commissions[1], p_finishes[1]) as c;
        return;
    end if;
    select coalesce(array_agg(plain.place), '{}') into together
    from (
        select distinct on (locked.call_id) locked.place, locked.is_plain
        from (
            select p.call_id, p.place, h.amount > 0 and h.promo = 0 and h.free_tokens = 0
                and p.cost > 0 and p.commission >= 0 as is_plain
            from unnest(p_call_ids, p_costs, p_commissions) with ordinality as p (call_id, cost, commission, place)
                join hold h using (call_id)
            where h.state = 'open'
            order by h.account_id, h.call_id for update of h
        ) as locked
        order by locked.call_id, locked.place
    ) as plain
    where plain.is_plain
        and (select sum(used) from unnest(p_tokens[plain.place * 6 - 5:plain.place * 6]) as used) >= 0;
    perform from wallet w
    where w.fund = 'paid' and w.account_id in (
        select h.account_id from hold h where h.call_id = any (p_call_ids) and h.state = 'open'
    )
    order by w.account_id for update;
    return query select * from ledger.capture_together(
        together, p_call_ids, p_tokens, p_usage_sources, p_costs, p_commissions, p_finishes);
    for place in
        select p.place from unnest(p_call_ids) with ordinality as p (call_id, place) left join hold h using (call_id)
        where p.place <> all (together)
        order by h.account_id, p.call_id
    loop
        -- Six counts a call: input, cached input, cache write, cache write for an hour, output, reasoning.
        return query select c.* from ledger.capture(
            p_call_ids[place], p_tokens[place * 6 - 5], p_tokens[place * 6 - 4], p_tokens[place * 6 - 3],
            p_tokens[place * 6 - 2], p_tokens[place * 6 - 1], p_tokens[place * 6], p_usage_sources[place],
            p_costs[place], p_commissions[place], p_finishes[place]) as c;
    end loop;
end $$;

call ledger.secure();
call ledger.open_door('mercato_runtime', array[
    'ledger.reserve', 'ledger.reserve_many', 'ledger.capture', 'ledger.capture_many'
]);
