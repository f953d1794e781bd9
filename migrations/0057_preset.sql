-- Settings that an account has saved for its calls, each under a short name.

create table preset (
    account_id uuid not null references account,
    slug text not null constraint preset_slug_short check (slug ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
    settings jsonb not null constraint preset_settings_small
        check (jsonb_typeof(settings) = 'object' and octet_length(settings::text) <= 65536),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (account_id, slug)
);

-- Saves settings: `made`, `replaced`, or `full` when the account has as many as it may.
create function ledger.keep_preset(p_account_id uuid, p_slug text, p_settings jsonb, p_most integer) returns text
language plpgsql set search_path = public, pg_temp as $$
begin
    -- Who saves two at once waits here, so that both are counted.
    perform from account where account_id = p_account_id for no key update;
    update preset set settings = p_settings, updated_at = now() where account_id = p_account_id and slug = p_slug;
    if found then
        return 'replaced';
    end if;
    if (select count(*) from preset where account_id = p_account_id) >= p_most then
        return 'full';
    end if;
    insert into preset (account_id, slug, settings) values (p_account_id, p_slug, p_settings);
    return 'made';
end $$;

create function ledger.forget_preset(p_account_id uuid, p_slug text) returns boolean
language sql set search_path = public, pg_temp
begin atomic
    delete from preset where account_id = p_account_id and slug = p_slug returning true;
end;

-- One statement, for it stands before a call.
create function ledger.find_preset(p_account_id uuid, p_slug text) returns setof preset
language sql stable set search_path = public, pg_temp
begin atomic
    select * from preset where account_id = p_account_id and slug = p_slug;
end;

call ledger.secure();
call ledger.open_door('mercato_runtime', array['ledger.keep_preset', 'ledger.forget_preset', 'ledger.find_preset']);
