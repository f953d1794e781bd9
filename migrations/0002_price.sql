-- Prices: immutable versions that never overlap. Rates are nano-dollars per million tokens.

create extension if not exists btree_gist;

create schema ledger;

create function ledger.price_is_sound(terms jsonb) returns boolean
language sql immutable parallel safe
return jsonb_typeof(terms -> 'input') = 'number'
    and jsonb_typeof(terms -> 'output') = 'number'
    and not jsonb_path_exists(terms, '$.** ? (@.type() == "number" && @ < 0)');

create table price (
    price_id uuid primary key,
    model_id text not null,
    provider text not null,
    terms jsonb not null constraint price_terms_sound check (ledger.price_is_sound(terms)),
    -- Zero on purpose. A price of zero that does not say so is a mistake.
    free boolean not null,
    valid_during tstzrange not null,
    constraint price_zero_is_explicit
        check (free or (terms ->> 'input')::bigint > 0 or (terms ->> 'output')::bigint > 0),
    constraint price_versions_never_overlap
        exclude using gist (model_id with =, provider with =, valid_during with &&)
);

-- Only the end of a version's validity may be set, once.
create function ledger.guard_price() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    if tg_op = 'UPDATE'
        and upper_inf(old.valid_during)
        and lower(new.valid_during) = lower(old.valid_during)
        and (new.price_id, new.model_id, new.provider, new.terms, new.free)
            = (old.price_id, old.model_id, old.provider, old.terms, old.free)
    then
        return new;
    end if;
    raise exception 'a price version is never changed' using errcode = 'integrity_constraint_violation';
end $$;

create trigger price_is_immutable before update or delete on price
for each row execute function ledger.guard_price();

-- Makes these terms the current price, as a new version when they differ. Returns the version in force.
create function ledger.set_price(p_price_id uuid, p_model_id text, p_provider text, p_terms jsonb, p_free boolean)
returns uuid
language plpgsql set search_path = public, pg_temp as $$
declare
    current_price price;
begin
    perform pg_advisory_xact_lock(hashtextextended(p_provider || '/' || p_model_id, 0));
    select * into current_price from price
    where model_id = p_model_id and provider = p_provider and upper_inf(valid_during);
    if found and current_price.terms = p_terms and current_price.free = p_free then
        return current_price.price_id;
    end if;
    if found then
        update price set valid_during = tstzrange(lower(valid_during), now())
        where price_id = current_price.price_id;
    end if;
    insert into price (price_id, model_id, provider, terms, free, valid_during)
    values (p_price_id, p_model_id, p_provider, p_terms, p_free, tstzrange(now(), null));
    return p_price_id;
end $$;
