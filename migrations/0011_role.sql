-- Who may do what in the database. The server works as `mercato_runtime`, which changes the books only through the
-- ledger's functions and sees only the account it says it works for; operators' pages read as `mercato_admin`.

do $$
declare
    wanted text;
begin
    foreach wanted in array array['mercato_owner', 'mercato_runtime', 'mercato_admin', 'mercato_auditor'] loop
        begin
            execute format('create role %I nologin nosuperuser nobypassrls', wanted);
        exception when duplicate_object or unique_violation then
            null;
        end;
        if not pg_has_role(wanted, 'member') then
            execute format('grant %I to current_user', wanted);
        end if;
    end loop;
end $$;

-- The account a connection works for; null when it works for nobody.
create function ledger.current_account() returns uuid
language sql stable parallel safe
return nullif(current_setting('app.account', true), '')::uuid;

-- Before anybody is known: who a session, a key or an address belongs to.
create schema sign_in;

create function sign_in.open_account(
    p_account_id uuid, p_email text, p_password_hash text, p_name text
) returns uuid
language sql set search_path = public, pg_temp as $$
    with opened as (
        insert into account (account_id, email, password_hash, name)
        values (p_account_id, p_email, p_password_hash, p_name) returning account_id
    ), wallets as (
        insert into wallet (account_id, fund, asset)
        select account_id, fund, asset
        from opened, (values ('paid', 'USD'), ('promo', 'USD'), ('free', 'FREE_TOKEN')) as funds (fund, asset)
    )
    select account_id from opened
$$;

create function sign_in.find_credentials(p_email text) returns setof account
language sql stable set search_path = public, pg_temp
begin atomic
    select * from account where email = p_email;
end;

create function sign_in.set_password_hash(p_account_id uuid, p_password_hash text) returns void
language sql set search_path = public, pg_temp
begin atomic
    update account set password_hash = p_password_hash where account_id = p_account_id;
end;

create function sign_in.verify_address(p_account_id uuid, p_email text) returns boolean
language sql set search_path = public, pg_temp
begin atomic
    update account set verified_at = coalesce(verified_at, now())
    where account_id = p_account_id and email = p_email returning true;
end;

create function sign_in.open_session(p_session_id uuid, p_account_id uuid, p_expires_at timestamptz) returns void
language sql set search_path = public, pg_temp
begin atomic
    insert into session (session_id, account_id, expires_at) values (p_session_id, p_account_id, p_expires_at);
end;

create function sign_in.end_session(p_session_id uuid) returns void
language sql set search_path = public, pg_temp
begin atomic
    update session set ended_at = now() where session_id = p_session_id and ended_at is null;
end;

-- The account of a session that is neither ended, expired, idle for two hours nor of a suspended account.
create function sign_in.find_session(p_session_id uuid) returns setof account
language sql set search_path = public, pg_temp as $$
    with live as (
        select s.account_id, s.last_seen_at
        from session s join account a using (account_id)
        where s.session_id = p_session_id and s.ended_at is null and s.expires_at > now()
            and s.last_seen_at > now() - interval '2 hours' and a.suspended_at is null
    ), seen as (
        update session s set last_seen_at = now()
        from live where s.session_id = p_session_id and live.last_seen_at < now() - interval '1 minute'
    )
    select a.* from account a join live using (account_id)
$$;

create function sign_in.find_key(p_digest bytea) returns table (
    api_key_id uuid, account_id uuid, email text, name text, role text, plan text
)
language sql stable set search_path = public, pg_temp
begin atomic
    select k.api_key_id, a.account_id, a.email, a.name, a.role, a.plan
    from api_key k join account a using (account_id)
    where k.digest = p_digest and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
        and a.suspended_at is null;
end;

-- Puts owner, rights and row security on everything in the schemas; later migrations end by calling it again.
create procedure ledger.secure()
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
        window_started_at, expires_at, last_used_at, revoked_at, created_at)
        on api_key to mercato_runtime, mercato_auditor;
    -- What is not money is written directly, each by its own account.
    grant insert (api_key_id, account_id, name, prefix, digest, limit_nanos, limit_resets, expires_at),
        update (name, revoked_at) on api_key to mercato_runtime;
    grant insert, update, delete on conversation, message to mercato_runtime;
    grant insert on audit_event to mercato_runtime, mercato_admin;
    grant update (role, suspended_at, frozen_at, verified_at) on account to mercato_admin;
    grant insert, update on provider_report to mercato_admin;
    grant select on audit_event, payment_event, provider_report, instance to mercato_auditor;
end $$;

-- Makes a function one that a role may call; inside it works with the owner's rights.
create procedure ledger.open_door(p_role text, p_functions text[])
language plpgsql as $$
declare
    door text;
begin
    foreach door in array (
        select array_agg(p.oid::regprocedure::text) from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname || '.' || p.proname = any (p_functions)
    ) loop
        execute format('alter function %s security definer', door);
        execute format('grant execute on function %s to %I', door, p_role);
    end loop;
end $$;

create policy by_operator on account for update to mercato_admin using (true) with check (true);

call ledger.secure();
call ledger.open_door('mercato_runtime', array[
    'ledger.reserve', 'ledger.checkpoint', 'ledger.capture', 'ledger.capture_many', 'ledger.reap',
    'ledger.order_top_up', 'ledger.record_payment', 'ledger.set_budget', 'ledger.subscribe',
    'ledger.renew_subscriptions', 'ledger.sweep_grants', 'ledger.check_recent', 'ledger.seal_block',
    'sign_in.open_account', 'sign_in.find_credentials', 'sign_in.set_password_hash', 'sign_in.verify_address',
    'sign_in.open_session', 'sign_in.end_session', 'sign_in.find_session', 'sign_in.find_key'
]);
call ledger.open_door('mercato_admin', array[
    'ledger.set_price', 'ledger.give_promo', 'ledger.propose_adjustment', 'ledger.decide_adjustment',
    'ledger.note_whole_check'
]);
-- These only compute; row security and the views call them for whoever asks.
grant execute on function ledger.current_account(), ledger.window_start(text)
    to mercato_runtime, mercato_admin, mercato_auditor;
grant execute on function ledger.link(bytea, uuid, smallint, uuid, text, text, bigint, bigint, bigint),
    ledger.block_root(xid8, xid8, timestamptz), ledger.block_hash(bytea, bigint, bigint, bytea)
    to mercato_admin, mercato_auditor;
