-- A price that leaps waits until an operator approves it; until then the model is sold at the price it has.

-- Whole numbers that are not negative, and nothing else; what cannot be told is not sound.
create or replace function ledger.price_is_sound(terms jsonb) returns boolean
language sql immutable parallel safe
return coalesce(
    jsonb_typeof(terms -> 'input') = 'number'
    and jsonb_typeof(terms -> 'output') = 'number'
    and not jsonb_path_exists(terms, '$.** ? (@.type() == "number" && (@ < 0 || @ > 9223372036854775807 || @ != @.floor()))')
    and not jsonb_path_exists(terms, '$.** ? (@.type() == "string" || @.type() == "boolean" || @.type() == "null")'),
    false);

-- What each component costs in each tier. What has no rate of its own is billed as plain input or output, and where
-- there is no tier the plain rates apply.
create function ledger.price_rates(p_terms jsonb) returns table (tier text, component text, rate bigint)
language sql immutable parallel safe set search_path = public, pg_temp as $$
    select tier, component, coalesce(
        (rates ->> component)::bigint,
        case component when 'cache_write_1h' then (rates ->> 'cache_write')::bigint end,
        (rates ->> case when component in ('output', 'reasoning') then 'output' else 'input' end)::bigint)
    from (values
            ('plain', p_terms),
            ('long_context', coalesce(p_terms -> 'long_context', p_terms)),
            ('off_peak', coalesce(p_terms -> 'off_peak', p_terms))
        ) as tiers (tier, rates),
        unnest(array['input', 'output', 'cached_input', 'cache_write', 'cache_write_1h', 'reasoning']) as component
$$;

-- Whether some component becomes more than a fifth dearer or cheaper, or a tier begins elsewhere.
create function ledger.price_leaps(p_from jsonb, p_to jsonb) returns boolean
language sql immutable parallel safe set search_path = public, pg_temp as $$
    select exists (
        select from ledger.price_rates(p_from) o join ledger.price_rates(p_to) n using (tier, component)
        where not coalesce(abs(n.rate::numeric - o.rate) * 5 <= o.rate, false)
    ) or (p_from ? 'long_context' and p_to ? 'long_context'
        and p_from #> '{long_context,above_input_tokens}' <> p_to #> '{long_context,above_input_tokens}')
    or (p_from ? 'off_peak' and p_to ? 'off_peak'
        and p_from #> '{off_peak,windows}' <> p_to #> '{off_peak,windows}')
$$;

-- Changes of a price that wait, and what became of them. Approved, one becomes the version of the same id.
create table price_change (
    price_id uuid primary key,
    model_id text not null,
    provider text not null,
    terms jsonb not null constraint price_change_terms_sound check (ledger.price_is_sound(terms)),
    free boolean not null,
    replaces uuid not null references price,
    state text not null default 'waiting' constraint price_change_state_known
        check (state in ('waiting', 'approved', 'rejected', 'withdrawn')),
    proposed_at timestamptz not null default now(),
    decided_by text,
    decided_at timestamptz,
    constraint price_change_zero_is_explicit
        check (free or (terms ->> 'input')::bigint > 0 or (terms ->> 'output')::bigint > 0),
    constraint price_change_decided_by_somebody
        check ((state in ('approved', 'rejected')) = (decided_by is not null)),
    constraint price_change_decided_at_a_time check ((state = 'waiting') = (decided_at is null))
);
create unique index price_change_waiting_once on price_change (model_id, provider) where state = 'waiting';

-- Puts a version in force at once.
create function ledger.begin_price(
    p_current_id uuid, p_price_id uuid, p_model_id text, p_provider text, p_terms jsonb, p_free boolean
) returns uuid
language plpgsql set search_path = public, pg_temp as $$
begin
    update price set valid_during = tstzrange(lower(valid_during), now()) where price_id = p_current_id;
    insert into price (price_id, model_id, provider, terms, free, valid_during)
    values (p_price_id, p_model_id, p_provider, p_terms, p_free, tstzrange(now(), null));
    return p_price_id;
end $$;

-- Makes these terms the price, as a new version when they differ; a leap waits to be approved, and is not proposed
-- again after it was rejected. A first price has nothing to leap from. Returns the version in force.
create or replace function ledger.set_price(
    p_price_id uuid, p_model_id text, p_provider text, p_terms jsonb, p_free boolean
) returns uuid
language plpgsql set search_path = public, pg_temp as $$
declare
    current_price price;
    is_current boolean;
    is_leap boolean;
begin
    perform pg_advisory_xact_lock(hashtextextended(p_provider || '/' || p_model_id, 0));
    select * into current_price from price
    where model_id = p_model_id and provider = p_provider and upper_inf(valid_during);
    is_current := found and current_price.terms = p_terms and current_price.free = p_free;
    is_leap := not is_current and current_price.price_id is not null
        and (current_price.free <> p_free or ledger.price_leaps(current_price.terms, p_terms));
    -- Whoever speaks last is meant: what waits and is no longer wanted is withdrawn.
    update price_change c set state = 'withdrawn', decided_at = now()
    where c.model_id = p_model_id and c.provider = p_provider and c.state = 'waiting'
        and not (is_leap and c.terms = p_terms and c.free = p_free and c.replaces = current_price.price_id);
    if is_current then
        return current_price.price_id;
    elsif not is_leap then
        return ledger.begin_price(current_price.price_id, p_price_id, p_model_id, p_provider, p_terms, p_free);
    end if;
    insert into price_change (price_id, model_id, provider, terms, free, replaces)
    select p_price_id, p_model_id, p_provider, p_terms, p_free, current_price.price_id
    where not exists (
        select from price_change c
        where c.model_id = p_model_id and c.provider = p_provider and c.terms = p_terms and c.free = p_free
            and c.replaces = current_price.price_id and c.state in ('waiting', 'rejected')
    );
    return current_price.price_id;
end $$;

-- Puts a waiting price in force, or turns it down.
create function ledger.decide_price(p_price_id uuid, p_decision text, p_actor text) returns text
language plpgsql set search_path = public, pg_temp as $$
declare
    asked price_change;
    old_terms jsonb;
begin
    select * into asked from price_change where price_id = p_price_id;
    if not found then
        return 'unknown';
    end if;
    -- The same order of locks as in `ledger.set_price`.
    perform pg_advisory_xact_lock(hashtextextended(asked.provider || '/' || asked.model_id, 0));
    select * into strict asked from price_change where price_id = p_price_id for update;
    if asked.state <> 'waiting' then
        return 'decided';
    end if;
    select terms into old_terms from price where price_id = asked.replaces and upper_inf(valid_during);
    if not found then
        update price_change set state = 'withdrawn', decided_at = now() where price_id = p_price_id;
        return 'decided';
    end if;
    if p_decision = 'approve' then
        perform ledger.begin_price(
            asked.replaces, asked.price_id, asked.model_id, asked.provider, asked.terms, asked.free);
    end if;
    update price_change
    set state = case p_decision when 'approve' then 'approved' else 'rejected' end, decided_by = p_actor, decided_at = now()
    where price_id = p_price_id;
    insert into audit_event (actor, action, subject, reason, detail)
    values (p_actor, 'price.' || p_decision, 'price:' || p_price_id, asked.provider || ' ' || asked.model_id,
        jsonb_build_object('before', old_terms, 'after', asked.terms));
    return case p_decision when 'approve' then 'approved' else 'rejected' end;
end $$;

call ledger.secure();
call ledger.open_door('mercato_admin', array['ledger.set_price', 'ledger.decide_price']);
