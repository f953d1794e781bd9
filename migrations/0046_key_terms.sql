-- What a key may do, with which models and from where; and a second secret that goes on working while programs change over.

alter table api_key
    add column scopes text[] not null default '{chat,embeddings,images,read}'
        constraint api_key_scopes_known check (
            scopes <@ array['chat', 'embeddings', 'images', 'read', 'management'] and cardinality(scopes) > 0
        )
        -- A key that could both spend and lift limits would have none.
        constraint api_key_manages_or_runs check (
            not (scopes @> array['management'] and scopes && array['chat', 'embeddings', 'images'])
        ),
    -- Names of models, or of all of an author's as `openai/*`. Null allows every model.
    add column models text[] constraint api_key_models_named check (cardinality(models) between 1 and 50),
    -- Addresses and networks such as `203.0.113.0/24`. Null allows every address.
    add column addresses text[] constraint api_key_addresses_named check (cardinality(addresses) between 1 and 50),
    add column requests_a_minute integer constraint api_key_requests_positive check (requests_a_minute > 0),
    add column tokens_a_minute bigint constraint api_key_tokens_positive check (tokens_a_minute > 0),
    -- The secret before the last rotation, and how long it still opens the key.
    add column old_digest bytea constraint api_key_old_digest_unique unique,
    add column old_until timestamptz,
    add constraint api_key_old_secret_ends check ((old_digest is null) = (old_until is null));

-- Changes the terms of a key that is not revoked. Its limit cannot be set below what is spent and held under it. A key that
-- manages was made by a person and is changed by one.
drop function ledger.change_key(uuid, uuid, text, bigint, text, timestamptz);
create function ledger.change_key(
    p_account_id uuid, p_api_key_id uuid, p_by_person boolean, p_name text, p_limit bigint, p_resets text,
    p_expires_at timestamptz, p_scopes text[], p_models text[], p_addresses text[], p_requests integer, p_tokens bigint
) returns text
language plpgsql set search_path = public, pg_temp as $$
declare
    there api_key;
begin
    perform from wallet where account_id = p_account_id and fund = 'paid' for update;
    select * into there from api_key
    where account_id = p_account_id and api_key_id = p_api_key_id and revoked_at is null for update;
    if not found then
        return 'unknown';
    elsif not p_by_person and there.scopes @> array['management'] then
        return 'for_people';
    elsif p_limit < there.spent_nanos + there.held_nanos then
        return 'below_spent';
    end if;
    update api_key set name = p_name, limit_nanos = p_limit, limit_resets = p_resets, expires_at = p_expires_at,
        scopes = p_scopes, models = p_models, addresses = p_addresses, requests_a_minute = p_requests,
        tokens_a_minute = p_tokens,
        -- A window that is new begins now; one that goes on keeps what was spent in it.
        window_started_at = case when there.limit_resets is distinct from p_resets then now() else window_started_at end
    where api_key_id = p_api_key_id;
    return 'changed';
end $$;

-- Gives a key another secret. The one before works for the overlap, at most until the key expires; an older one stops now.
create function ledger.rotate_key(
    p_account_id uuid, p_api_key_id uuid, p_by_person boolean, p_digest bytea, p_prefix text, p_overlap_seconds bigint
) returns text
language plpgsql set search_path = public, pg_temp as $$
declare
    there api_key;
begin
    select * into there from api_key
    where account_id = p_account_id and api_key_id = p_api_key_id and revoked_at is null for update;
    if not found then
        return 'unknown';
    elsif not p_by_person and there.scopes @> array['management'] then
        return 'for_people';
    end if;
    update api_key set digest = p_digest, prefix = p_prefix,
        old_digest = case when p_overlap_seconds > 0 then there.digest end,
        old_until = case when p_overlap_seconds > 0 then now() + make_interval(secs => p_overlap_seconds) end
    where api_key_id = p_api_key_id;
    return 'rotated';
end $$;

-- Puts owner, rights and row security on everything in the schemas; later migrations end by calling it again.
create or replace procedure ledger.secure()
language plpgsql set client_min_messages = warning as $$
declare
    thing record;
begin
    grant usage on schema public, ledger, sign_in to mercato_owner, mercato_runtime, mercato_admin;
    grant usage on schema public, ledger to mercato_auditor;
    grant create on schema public, ledger, sign_in to mercato_owner;
    for thing in
        select c.oid::regclass as name, c.relname, c.relkind, exists (
            select from pg_attribute a where a.attrelid = c.oid and a.attname = 'account_id' and not a.attisdropped
        ) as is_somebodys
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('public', 'ledger') and c.relkind in ('r', 'v') and c.relname <> '_sqlx_migrations'
            and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
    loop
        if thing.relkind = 'v' then
            execute format('alter view %s set (security_invoker = true)', thing.name);
        end if;
        execute format('alter table %s owner to mercato_owner', thing.name);
        execute format('revoke all on %s from public', thing.name);
        execute format('grant select on %s to mercato_runtime, mercato_admin, mercato_auditor', thing.name);
        if thing.relkind = 'r' and thing.is_somebodys then
            execute format('alter table %s enable row level security, force row level security', thing.name);
            execute format('drop policy if exists by_owner on %s', thing.name);
            execute format('drop policy if exists of_account on %s', thing.name);
            execute format('drop policy if exists for_operators on %s', thing.name);
            execute format('create policy by_owner on %s to mercato_owner using (true) with check (true)', thing.name);
            execute format('create policy of_account on %s to mercato_runtime
                using (account_id = ledger.current_account()) with check (account_id = ledger.current_account())',
                thing.name);
            execute format('create policy for_operators on %s for select to mercato_admin, mercato_auditor using (true)',
                thing.name);
        end if;
    end loop;
    for thing in
        select p.oid::regprocedure as name
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname in ('ledger', 'sign_in') and p.prokind = 'f'
    loop
        execute format('alter function %s owner to mercato_owner', thing.name);
        execute format('revoke all on function %s from public', thing.name);
    end loop;
    -- Password hashes and key digests are for the functions of `sign_in` alone.
    revoke select on account, api_key, audit_event, payment_event, provider_report, instance
        from mercato_runtime, mercato_auditor;
    grant select (account_id, email, name, role, plan, suspended_at, frozen_at, verified_at, created_at)
        on account to mercato_runtime, mercato_auditor;
    grant select (api_key_id, account_id, name, prefix, limit_nanos, spent_nanos, held_nanos, limit_resets,
        window_started_at, expires_at, last_used_at, revoked_at, created_at, scopes, models, addresses,
        requests_a_minute, tokens_a_minute, old_until)
        on api_key to mercato_runtime, mercato_auditor;
    -- What is not money is written directly, each by its own account.
    grant insert (api_key_id, account_id, name, prefix, digest, limit_nanos, limit_resets, expires_at, scopes, models,
        addresses, requests_a_minute, tokens_a_minute),
        update (name, revoked_at) on api_key to mercato_runtime;
    grant insert, update, delete on conversation, message to mercato_runtime;
    grant insert on audit_event to mercato_runtime, mercato_admin;
    grant update (role, suspended_at, frozen_at, verified_at) on account to mercato_admin;
    grant insert, update on provider_report to mercato_admin;
    grant select on audit_event, payment_event, provider_report, instance to mercato_auditor;
end $$;

call ledger.secure();
call ledger.open_door('mercato_runtime', array['ledger.change_key', 'ledger.rotate_key']);
