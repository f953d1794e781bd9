-- A price may be told before it begins: a version whose validity lies ahead, which begins by itself.

-- The moment a version begins, or was to begin: one that is taken back before covers no time at all.
alter table price add column begins_at timestamptz;
alter table price disable trigger price_is_immutable;
update price set begins_at = lower(valid_during);
alter table price enable trigger price_is_immutable;

create function ledger.note_beginning() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    new.begins_at := coalesce(new.begins_at, lower(new.valid_during));
    return new;
end $$;
create trigger price_begins before insert on price
for each row execute function ledger.note_beginning();
alter table price alter column begins_at set not null;

-- The end of a version is open until it is reached, and what has not begun can still be taken back. All else is for good.
create or replace function ledger.guard_price() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    if tg_op = 'UPDATE'
        and (new.price_id, new.model_id, new.provider, new.terms, new.free, new.begins_at)
            = (old.price_id, old.model_id, old.provider, old.terms, old.free, old.begins_at)
        and (
            lower(new.valid_during) = lower(old.valid_during)
                and (upper_inf(old.valid_during) or upper(old.valid_during) > clock_timestamp())
            or isempty(new.valid_during) and lower(old.valid_during) > clock_timestamp()
        )
    then
        return new;
    end if;
    raise exception 'a price version is never changed' using errcode = 'integrity_constraint_violation';
end $$;

-- Seals cover when a version begins also where it was taken back.
do $$
declare
    before text := pg_get_functiondef('ledger.leaves'::regproc);
begin
    if length(replace(before, 'lower(valid_during)', '')) <> length(before) - 2 * length('lower(valid_during)') then
        raise exception 'ledger.leaves does not write price versions as it used to';
    end if;
    execute replace(before, 'lower(valid_during)', 'begins_at');
end $$;

alter view ledger.violation rename to violation_of_days;
create view ledger.violation as
    select invariant, subject, detail from ledger.violation_of_days
union all
    select 'I10', price_id::text, 'does not begin when it was said to'
    from price where lower(valid_during) <> begins_at;

create or replace view audit_v1.price as
    select price_id, model_id, provider, terms, free, begins_at as valid_from, upper(valid_during) as valid_until,
        isempty(valid_during) as withdrawn
    from price;
alter view audit_v1.price set (security_invoker = true);

-- A leap that waits may be one that is to begin later; of each moment one can wait.
alter table price_change add column begins_at timestamptz;
drop index price_change_waiting_once;
create unique index price_change_waiting_once on price_change (model_id, provider, begins_at) nulls not distinct
    where state = 'waiting';

-- Takes a version back that has not begun: the one before goes on instead.
create function ledger.withdraw_price(p_price_id uuid) returns boolean
language plpgsql set search_path = public, pg_temp as $$
declare
    gone price;
begin
    select * into gone from price where price_id = p_price_id and lower(valid_during) > clock_timestamp();
    if not found then
        return false;
    end if;
    update price set valid_during = 'empty' where price_id = p_price_id;
    update price set valid_during = tstzrange(lower(valid_during), upper(gone.valid_during))
    where model_id = gone.model_id and provider = gone.provider and upper(valid_during) = gone.begins_at;
    insert into audit_event (actor, action, subject, reason, detail)
    values ('system', 'price.withdraw', 'price:' || p_price_id, gone.provider || ' ' || gone.model_id,
        jsonb_build_object('terms', gone.terms, 'begins_at', gone.begins_at));
    return true;
end $$;

-- Gives a version its place in time: what would be in force then ends then, and what begins later stays.
create function ledger.place_price(
    p_price_id uuid, p_model_id text, p_provider text, p_terms jsonb, p_free boolean, p_at timestamptz
) returns uuid
language plpgsql set search_path = public, pg_temp as $$
declare
    until timestamptz;
begin
    perform ledger.withdraw_price(price_id) from price
    where model_id = p_model_id and provider = p_provider and lower(valid_during) = p_at;
    select min(lower(valid_during)) into until from price
    where model_id = p_model_id and provider = p_provider and lower(valid_during) > p_at;
    update price set valid_during = tstzrange(lower(valid_during), p_at)
    where model_id = p_model_id and provider = p_provider and valid_during @> p_at;
    insert into price (price_id, model_id, provider, terms, free, valid_during)
    values (p_price_id, p_model_id, p_provider, p_terms, p_free, tstzrange(p_at, until));
    return p_price_id;
end $$;

-- What is wished for at this moment, and for later ones: of those whose moment has come only the last.
create function ledger.wishes_at(p_wishes jsonb, p_moment timestamptz)
returns table (place bigint, price_id uuid, terms jsonb, free boolean, begins timestamptz)
language sql stable set search_path = public, pg_temp as $$
    with wished as (
        select (w ->> 'place')::bigint as place, (w ->> 'price_id')::uuid as price_id, w -> 'terms' as terms,
            (w ->> 'free')::boolean as free, (w ->> 'from')::timestamptz as begins
        from jsonb_array_elements(p_wishes) as w
    ), come as (
        select place, price_id, terms, free, null::timestamptz as begins from wished
        where begins is null or begins <= p_moment order by wished.begins desc nulls last limit 1
    )
    select * from come union all select * from wished where begins > p_moment
$$;

-- Makes these the prices of an offer, each from its moment on, as new versions where they differ: whoever speaks last
-- is meant, and what was to begin but is wished for no longer is taken back. A leap from the price before it waits to be
-- approved, and is not proposed again after it was rejected. A first price has nothing to leap from. Says of each
-- wish what became of it, and the version in force.
create function ledger.set_prices(p_model_id text, p_provider text, p_wishes jsonb)
returns table (place bigint, in_force uuid, before jsonb, outcome text)
language plpgsql set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
    moment timestamptz;
    wish record;
    stands price;
    asked price_change;
begin
    perform pg_advisory_xact_lock(hashtextextended(p_provider || '/' || p_model_id, 0));
    -- What begins within a second may be in force before this is over, so it is waited for.
    perform pg_sleep(greatest(0, extract(epoch from min(lower(valid_during)) - clock_timestamp()))::float8) from price
    where model_id = p_model_id and provider = p_provider
        and lower(valid_during) between clock_timestamp() and clock_timestamp() + interval '1 second'
    having count(*) > 0;
    moment := clock_timestamp();
    perform ledger.withdraw_price(p.price_id) from price p
    where p.model_id = p_model_id and p.provider = p_provider and lower(p.valid_during) > moment and not exists (
        select from ledger.wishes_at(p_wishes, moment) w
        where w.begins = p.begins_at and w.terms = p.terms and w.free = p.free
    );
    update price_change c set state = 'withdrawn', decided_at = now()
    where c.model_id = p_model_id and c.provider = p_provider and c.state = 'waiting' and not exists (
        select from ledger.wishes_at(p_wishes, moment) w
        where w.begins is not distinct from case when c.begins_at > moment then c.begins_at end
            and w.terms = c.terms and w.free = c.free
    );
    for wish in select * from ledger.wishes_at(p_wishes, moment) order by begins nulls first loop
        select * into stands from price p
        where p.model_id = p_model_id and p.provider = p_provider and p.valid_during @> coalesce(wish.begins, moment);
        before := stands.terms;
        outcome := case
            when stands.price_id is null then 'first'
            when stands.terms = wish.terms and stands.free = wish.free then 'same'
            when stands.free <> wish.free or ledger.price_leaps(stands.terms, wish.terms) then 'waits'
            else 'begins'
        end;
        select * into asked from price_change c
        where c.model_id = p_model_id and c.provider = p_provider and c.terms = wish.terms and c.free = wish.free
            and c.replaces = stands.price_id and c.state in ('waiting', 'rejected')
            and wish.begins is not distinct from case when c.begins_at > moment then c.begins_at end
        order by c.proposed_at desc limit 1;
        update price_change c set state = 'withdrawn', decided_at = now()
        where c.model_id = p_model_id and c.provider = p_provider and c.state = 'waiting'
            and wish.begins is not distinct from case when c.begins_at > moment then c.begins_at end
            and (outcome <> 'waits' or c.price_id is distinct from asked.price_id);
        if outcome in ('first', 'begins') then
            perform ledger.place_price(
                wish.price_id, p_model_id, p_provider, wish.terms, wish.free, coalesce(wish.begins, moment));
        elsif outcome = 'waits' and asked.price_id is not null then
            outcome := case asked.state when 'waiting' then 'waits' else 'rejected' end;
        elsif outcome = 'waits' then
            insert into price_change (price_id, model_id, provider, terms, free, replaces, begins_at)
            values (wish.price_id, p_model_id, p_provider, wish.terms, wish.free, stands.price_id, wish.begins);
        end if;
        place := wish.place;
        in_force := (
            select p.price_id from price p
            where p.model_id = p_model_id and p.provider = p_provider and p.valid_during @> clock_timestamp()
        );
        return next;
    end loop;
end $$;

-- The same for a price that begins at once and has none after it. Returns the version in force.
create or replace function ledger.set_price(
    p_price_id uuid, p_model_id text, p_provider text, p_terms jsonb, p_free boolean
) returns uuid
language sql set search_path = public, pg_temp as $$
    select in_force from ledger.set_prices(p_model_id, p_provider, jsonb_build_array(
        jsonb_build_object('price_id', p_price_id, 'terms', p_terms, 'free', p_free)))
$$;

-- Puts a waiting price in force from its moment on, or at once if that has come; or turns it down.
create or replace function ledger.decide_price(p_price_id uuid, p_decision text, p_actor text) returns text
language plpgsql set search_path = public, pg_temp as $$
declare
    asked price_change;
    old_terms jsonb;
    moment timestamptz;
begin
    select * into asked from price_change where price_id = p_price_id;
    if not found then
        return 'unknown';
    end if;
    -- The same order of locks as in `ledger.set_prices`.
    perform pg_advisory_xact_lock(hashtextextended(asked.provider || '/' || asked.model_id, 0));
    select * into strict asked from price_change where price_id = p_price_id for update;
    if asked.state <> 'waiting' then
        return 'decided';
    end if;
    moment := greatest(asked.begins_at, clock_timestamp());
    select terms into old_terms from price where price_id = asked.replaces and valid_during @> moment;
    if not found then
        update price_change set state = 'withdrawn', decided_at = now() where price_id = p_price_id;
        return 'decided';
    end if;
    if p_decision = 'approve' then
        perform ledger.place_price(
            asked.price_id, asked.model_id, asked.provider, asked.terms, asked.free, moment);
    end if;
    update price_change
    set state = case p_decision when 'approve' then 'approved' else 'rejected' end, decided_by = p_actor, decided_at = now()
    where price_id = p_price_id;
    insert into audit_event (actor, action, subject, reason, detail)
    values (p_actor, 'price.' || p_decision, 'price:' || p_price_id, asked.provider || ' ' || asked.model_id,
        jsonb_build_object('before', old_terms, 'after', asked.terms, 'begins_at', asked.begins_at));
    return case p_decision when 'approve' then 'approved' else 'rejected' end;
end $$;

drop function ledger.begin_price, ledger.foresee_prices;

-- What setting these prices would do, tried and undone: what became of each, and which were taken back.
create function ledger.foresee_prices(p_models text[], p_providers text[], p_wishes jsonb[])
returns table (place bigint, before jsonb, outcome text, model_id text, provider text, begins_at timestamptz)
language plpgsql set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
    told jsonb;
begin
    begin
        select coalesce(jsonb_agg(to_jsonb(s)), '[]') into told
        from (
            select model_id, provider, jsonb_agg(wish) as wishes
            from unnest(p_models, p_providers, p_wishes) as o (model_id, provider, wish)
            group by model_id, provider order by model_id, provider
        ) as o cross join lateral ledger.set_prices(o.model_id, o.provider, o.wishes) as s;
        select told || coalesce(jsonb_agg(jsonb_build_object('outcome', 'withdrawn', 'model_id', p.model_id,
            'provider', p.provider, 'begins_at', p.begins_at)), '[]') into told
        from audit_event a join price p on a.subject = 'price:' || p.price_id
        where a.action = 'price.withdraw' and a.at >= now() and a.xid = pg_current_xact_id();
        raise exception 'only tried' using errcode = 'ME001';
    exception when sqlstate 'ME001' then
        null;
    end;
    return query select t.place, t.before, t.outcome, t.model_id, t.provider, t.begins_at
    from jsonb_to_recordset(told) as t (place bigint, before jsonb, outcome text, model_id text, provider text,
        begins_at timestamptz)
    order by t.place nulls last, t.model_id, t.provider, t.begins_at;
end $$;

call ledger.secure();
call ledger.open_door('mercato_admin', array[
    'ledger.set_prices', 'ledger.set_price', 'ledger.decide_price', 'ledger.foresee_prices'
]);
