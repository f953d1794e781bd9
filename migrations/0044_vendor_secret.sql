-- Secrets that must be read again, sealed with keys that are not in here; and vendors that are rows.
--
-- Each secret is sealed with a data key of its own, which is sealed with a master key from outside the database. Both
-- are bound to their table, column, row, host and version, so a copy of them elsewhere cannot be opened.

-- A vendor that the program does not know, or another address for one that it does.
create table vendor (
    vendor text primary key constraint vendor_id_is_plain check (vendor ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    name text not null constraint vendor_name_is_short check (length(name) between 1 and 80),
    -- Null once it was taken away; the row stays, so that versions only grow.
    base_url text,
    version bigint not null default 1,
    changed_at timestamptz not null default now()
);

create table vendor_secret (
    vendor text primary key,
    -- Grows with every key that is set and every one that is cleared, and is never used twice.
    version bigint not null,
    -- Where the key may be sent: scheme, host and port.
    host text,
    -- Which master key its data key is sealed with.
    master text,
    wrapped_key bytea,
    sealed bytea,
    changed_at timestamptz not null default now(),
    changed_by text not null,
    constraint vendor_secret_is_whole_or_cleared check (num_nulls(host, master, wrapped_key, sealed) in (0, 4))
);

-- Vendors that refuse our key, until they answer again or get another.
create table vendor_refusal (
    vendor text primary key,
    -- Null for a key that was not stored here.
    key_version bigint,
    since timestamptz not null default now()
);

-- What sessions, API keys and seals are secured with: it stays the same when the master key is replaced.
create table root_secret (
    is_only boolean primary key default true constraint root_secret_is_one check (is_only),
    master text not null,
    wrapped_key bytea not null,
    sealed bytea not null
);

alter table vendor_secret enable row level security, force row level security;
alter table root_secret enable row level security, force row level security;
create policy by_owner on vendor_secret to mercato_owner using (true) with check (true);
create policy by_owner on root_secret to mercato_owner using (true) with check (true);
create policy for_operators on vendor_secret for select to mercato_admin using (true);
create policy for_operators on root_secret for select to mercato_admin using (true);

-- What changed of vendors: a number that grows with every change, and who refuses our key.
create function ledger.vendor_news(out version bigint, out refused text[])
language sql stable set search_path = public, pg_temp as $$
    select (select coalesce(sum(version), 0) from vendor)::bigint
        + (select coalesce(sum(version), 0) from vendor_secret)::bigint,
        (select coalesce(array_agg(vendor order by vendor), '{}') from vendor_refusal)
$$;

-- Forgets the stored key of a vendor; false when there is none.
create function ledger.forget_vendor_key(p_vendor text, p_actor text) returns boolean
language plpgsql set search_path = public, pg_temp as $$
begin
    update vendor_secret
    set version = version + 1, host = null, master = null, wrapped_key = null, sealed = null, changed_at = now(),
        changed_by = p_actor
    where vendor = p_vendor and sealed is not null;
    if not found then
        return false;
    end if;
    delete from vendor_refusal where vendor = p_vendor;
    return true;
end $$;

-- Adds a vendor or moves one. Whoever is reached at the new address never gets the key of the old one.
create function ledger.set_vendor(p_vendor text, p_name text, p_base_url text, p_actor text, p_reason text)
returns boolean
language plpgsql set search_path = public, pg_temp as $$
declare
    before vendor;
    cleared boolean := false;
begin
    perform pg_advisory_xact_lock(hashtextextended('vendor/' || p_vendor, 0));
    select * into before from vendor where vendor = p_vendor;
    if before.base_url = p_base_url and before.name = p_name then
        return false;
    end if;
    insert into vendor (vendor, name, base_url) values (p_vendor, p_name, p_base_url)
    on conflict (vendor) do update
    set name = excluded.name, base_url = excluded.base_url, version = vendor.version + 1, changed_at = now();
    if before.base_url is distinct from p_base_url then
        cleared := ledger.forget_vendor_key(p_vendor, p_actor);
        delete from vendor_refusal where vendor = p_vendor;
    end if;
    insert into audit_event (actor, action, subject, reason, detail)
    values (p_actor, 'vendor.set', 'vendor:' || p_vendor, p_reason, jsonb_build_object(
        'before', before.base_url, 'after', p_base_url, 'name', p_name, 'key_cleared', cleared));
    return true;
end $$;

-- Takes a vendor, or another address of a known one, away again, and its key with it.
create function ledger.remove_vendor(p_vendor text, p_actor text, p_reason text) returns boolean
language plpgsql set search_path = public, pg_temp as $$
declare
    before vendor;
    cleared boolean;
begin
    perform pg_advisory_xact_lock(hashtextextended('vendor/' || p_vendor, 0));
    select * into before from vendor where vendor = p_vendor and base_url is not null;
    if not found then
        return false;
    end if;
    update vendor set base_url = null, version = version + 1, changed_at = now() where vendor = p_vendor;
    cleared := ledger.forget_vendor_key(p_vendor, p_actor);
    delete from vendor_refusal where vendor = p_vendor;
    insert into audit_event (actor, action, subject, reason, detail)
    values (p_actor, 'vendor.remove', 'vendor:' || p_vendor, p_reason,
        jsonb_build_object('before', before.base_url, 'key_cleared', cleared));
    return true;
end $$;

-- Stores a key as the version after the last. False when somebody else was quicker.
create function ledger.set_vendor_key(
    p_vendor text, p_version bigint, p_host text, p_master text, p_wrapped_key bytea, p_sealed bytea, p_actor text,
    p_reason text
) returns boolean
language plpgsql set search_path = public, pg_temp as $$
declare
    replaced boolean;
begin
    perform pg_advisory_xact_lock(hashtextextended('vendor/' || p_vendor, 0));
    if p_version <> coalesce((select version from vendor_secret where vendor = p_vendor), 0) + 1 then
        return false;
    end if;
    replaced := exists (select from vendor_secret where vendor = p_vendor and sealed is not null);
    insert into vendor_secret (vendor, version, host, master, wrapped_key, sealed, changed_by)
    values (p_vendor, p_version, p_host, p_master, p_wrapped_key, p_sealed, p_actor)
    on conflict (vendor) do update
    set version = excluded.version, host = excluded.host, master = excluded.master, wrapped_key = excluded.wrapped_key,
        sealed = excluded.sealed, changed_by = excluded.changed_by, changed_at = now();
    delete from vendor_refusal where vendor = p_vendor;
    insert into audit_event (actor, action, subject, reason, detail)
    values (p_actor, case when replaced then 'vendor.replace_key' else 'vendor.set_key' end, 'vendor:' || p_vendor,
        p_reason, jsonb_build_object('host', p_host, 'version', p_version));
    return true;
end $$;

create function ledger.clear_vendor_key(p_vendor text, p_actor text, p_reason text) returns boolean
language plpgsql set search_path = public, pg_temp as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('vendor/' || p_vendor, 0));
    if not ledger.forget_vendor_key(p_vendor, p_actor) then
        return false;
    end if;
    insert into audit_event (actor, action, subject, reason)
    values (p_actor, 'vendor.clear_key', 'vendor:' || p_vendor, p_reason);
    return true;
end $$;

-- Puts the same data key, sealed with another master key, in the place of one that has not changed meanwhile.
create function ledger.rewrap_vendor_key(
    p_vendor text, p_version bigint, p_before bytea, p_master text, p_wrapped_key bytea
) returns boolean
language plpgsql set search_path = public, pg_temp as $$
begin
    update vendor_secret set master = p_master, wrapped_key = p_wrapped_key
    where vendor = p_vendor and version = p_version and wrapped_key = p_before;
    return found;
end $$;

create function ledger.keep_root(p_master text, p_wrapped_key bytea, p_sealed bytea) returns void
language sql set search_path = public, pg_temp as $$
    insert into root_secret (master, wrapped_key, sealed) values (p_master, p_wrapped_key, p_sealed)
    on conflict do nothing
$$;

create function ledger.rewrap_root(p_before bytea, p_master text, p_wrapped_key bytea) returns boolean
language plpgsql set search_path = public, pg_temp as $$
begin
    update root_secret set master = p_master, wrapped_key = p_wrapped_key where wrapped_key = p_before;
    return found;
end $$;

-- Notes that a vendor refuses our key, unless it has another by now.
create function ledger.note_vendor_refusal(p_vendor text, p_key_version bigint) returns void
language sql set search_path = public, pg_temp as $$
    insert into vendor_refusal (vendor, key_version)
    select p_vendor, p_key_version
    where p_key_version is null
        or exists (select from vendor_secret where vendor = p_vendor and version = p_key_version and sealed is not null)
    on conflict do nothing
$$;

create function ledger.note_vendor_acceptance(p_vendor text) returns void
language sql set search_path = public, pg_temp as $$
    delete from vendor_refusal where vendor = p_vendor
$$;

call ledger.secure();
call ledger.open_door('mercato_runtime', array[
    'ledger.vendor_news', 'ledger.note_vendor_refusal', 'ledger.note_vendor_acceptance'
]);
call ledger.open_door('mercato_admin', array[
    'ledger.set_vendor', 'ledger.remove_vendor', 'ledger.set_vendor_key', 'ledger.clear_vendor_key',
    'ledger.rewrap_vendor_key', 'ledger.keep_root', 'ledger.rewrap_root'
]);
