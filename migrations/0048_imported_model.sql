-- Models that operators bring in: a stanza of the catalogue each, in the place of the one that comes with the program.

create table imported_model (
    model_id text primary key,
    -- As `catalogue.toml` has it, with its heading.
    stanza text not null constraint imported_model_stanza_is_short check (length(stanza) between 1 and 100000),
    version bigint not null default 1,
    changed_at timestamptz not null default now(),
    changed_by text not null
);

-- Takes these stanzas over. Those that say the same as before are left alone. Returns how many did not.
create function ledger.import_models(p_models text[], p_stanzas text[], p_actor text, p_reason text) returns bigint
language plpgsql set search_path = public, pg_temp as $$
declare
    changed text[];
begin
    with written as (
        insert into imported_model as old (model_id, stanza, changed_by)
        select model_id, stanza, p_actor from unnest(p_models, p_stanzas) as n (model_id, stanza)
        order by model_id
        on conflict (model_id) do update
        set stanza = excluded.stanza, version = old.version + 1, changed_at = now(), changed_by = excluded.changed_by
        where old.stanza <> excluded.stanza
        returning old.model_id
    )
    select coalesce(array_agg(model_id order by model_id), '{}') into changed from written;
    if cardinality(changed) > 0 then
        insert into audit_event (actor, action, subject, reason, detail)
        values (p_actor, 'catalogue.import', 'catalogue', p_reason, jsonb_build_object('models', changed));
    end if;
    return cardinality(changed);
end $$;

-- What `ledger.set_price` would do with each of these, in their order; nothing is changed.
create function ledger.foresee_prices(p_models text[], p_providers text[], p_terms jsonb[], p_free boolean[])
returns table (place bigint, before jsonb, was_free boolean, outcome text)
language sql stable set search_path = public, pg_temp as $$
    select o.place, p.terms, p.free, case
        when p.price_id is null then 'first'
        when p.terms = o.terms and p.free = o.free then 'same'
        when p.free <> o.free or ledger.price_leaps(p.terms, o.terms) then 'waits'
        else 'begins'
    end
    from unnest(p_models, p_providers, p_terms, p_free) with ordinality as o (model_id, provider, terms, free, place)
        left join price p on p.model_id = o.model_id and p.provider = o.provider and upper_inf(p.valid_during)
$$;

call ledger.secure();
call ledger.open_door('mercato_admin', array['ledger.import_models', 'ledger.foresee_prices']);
