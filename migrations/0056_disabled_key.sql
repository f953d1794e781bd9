-- Keys that are disabled for a while: refused as revoked ones are, until they are enabled again.

alter table api_key add column disabled_at timestamptz;

drop trigger api_key_changes on api_key;
create trigger api_key_changes after update of account_id, name, digest, old_digest, old_until, scopes, models, addresses,
    requests_a_minute, tokens_a_minute, expires_at, revoked_at, disabled_at on api_key
for each row execute function sign_in.note_key_change();

-- As before, and disables the key or enables it, or with null leaves that as it is: whoever changes something else at the same
-- moment must not enable what somebody disables.
drop function ledger.change_key(
    uuid, uuid, boolean, text, bigint, text, timestamptz, text[], text[], text[], integer, bigint
);
create function ledger.change_key(
    p_account_id uuid, p_api_key_id uuid, p_by_person boolean, p_name text, p_limit bigint, p_resets text,
    p_expires_at timestamptz, p_scopes text[], p_models text[], p_addresses text[], p_requests integer, p_tokens bigint,
    p_disabled boolean
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
        disabled_at = case
            when p_disabled is null then there.disabled_at
            when p_disabled then coalesce(there.disabled_at, now())
        end,
        -- A window that is new begins now; one that goes on keeps what was spent in it.
        window_started_at = case when there.limit_resets is distinct from p_resets then now() else window_started_at end
    where api_key_id = p_api_key_id;
    return 'changed';
end $$;

-- As before, and says of a secret whose key is disabled which key that is. Such a row names no key that may be used, brings
-- no slices of one, and is no use of it.
drop function sign_in.know_key(bytea, boolean, bigint, text, bigint);
create function sign_in.know_key(
    p_digest bytea, p_with_slices boolean, p_factor bigint, p_address text, p_address_limit bigint
) returns table (
    api_key_id uuid, account_id uuid, email text, name text, role text, plan text, verified boolean,
    key_name text, scopes text[], models text[], addresses text[], is_rated boolean, good_millis bigint,
    disabled_key_id uuid,
    owner text, owner_name text, request_limit bigint, requests bigint, requests_left bigint, token_limit bigint,
    tokens bigint, tokens_left bigint, minute bigint, millis_left bigint
)
language plpgsql set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
    known record;
begin
    select case when k.disabled_at is null then k.api_key_id end as api_key_id,
        case when k.disabled_at is not null then k.api_key_id end as disabled_key_id,
        a.account_id, a.email, a.name, a.role, a.plan, a.verified_at is not null as verified,
        k.name as key_name, k.scopes, k.models, k.addresses,
        k.requests_a_minute is not null or k.tokens_a_minute is not null as is_rated, k.last_used_at,
        floor(extract(epoch from least(k.good_until, k.expires_at, now() + interval '30 seconds') - now()) * 1000)::bigint
            as good_millis
    into known
    from (
        select one.*, null::timestamptz as good_until from api_key one where one.digest = p_digest
        union all
        select one.*, one.old_until from api_key one where one.old_digest = p_digest and one.old_until > now()
    ) k join account a using (account_id)
    where k.revoked_at is null and (k.expires_at is null or k.expires_at > now()) and a.suspended_at is null;
    if found then
        return query select known.api_key_id, known.account_id, known.email, known.name, known.role, known.plan,
            known.verified, known.key_name, known.scopes, known.models, known.addresses, known.is_rated,
            known.good_millis, known.disabled_key_id, s.*
        from (select) one left join lateral ledger.take_slices(
            known.account_id, known.api_key_id, p_factor, 1, 0, 1, 0
        ) s on p_with_slices and known.api_key_id is not null;
    end if;
    -- Counted whether the key is good or not: guesses come from somewhere.
    if p_address is not null then
        return query select known.api_key_id, known.account_id, known.email, known.name, known.role, known.plan,
            known.verified, known.key_name, known.scopes, known.models, known.addresses, known.is_rated,
            known.good_millis, known.disabled_key_id, 'address', p_address, p_address_limit, s.requests, s.requests_left,
            null::bigint, s.tokens, s.tokens_left, s.minute, s.millis_left
        from ledger.take_slice('address:' || p_address, p_address_limit, 1, null, 0) s;
    end if;
    -- Nobody waits for this, and it is said once a minute.
    if known.api_key_id is not null
        and (known.last_used_at is null or known.last_used_at < now() - interval '1 minute')
    then
        update api_key k set last_used_at = now()
        where k.api_key_id = (
            select one.api_key_id from api_key one where one.api_key_id = known.api_key_id for update skip locked
        );
    end if;
end $$;

-- No money is set aside for a key that is disabled, and whoever may read a key may read whether it is. The rest of these stays as
-- it is, whichever migration wrote it last.
do $$
declare
    part record;
    before text;
begin
    for part in
        select * from (values
            ('ledger.reserve', $part$outcome := 'no_key';
            return;
$part$, $part$outcome := 'no_key';
            return;
        elsif key.disabled_at is not null then
            outcome := 'key_disabled';
            return;
$part$),
            ('ledger.reserve_many', 'and k.revoked_at is null and', 'and k.revoked_at is null and k.disabled_at is null and'),
            ('ledger.list_short', 'and k.revoked_at is null and', 'and k.revoked_at is null and k.disabled_at is null and'),
            ('ledger.secure', 'tokens_a_minute, old_until)', 'tokens_a_minute, old_until, disabled_at)'),
            ('ledger.secure', 'tokens_a_minute),', 'tokens_a_minute, disabled_at),')
        ) as part (name, looked, instead)
    loop
        before := pg_get_functiondef(part.name::regproc);
        if length(replace(before, part.looked, '')) <> length(before) - length(part.looked) then
            raise exception '% does not look at keys where it used to', part.name;
        end if;
        execute replace(before, part.looked, part.instead);
    end loop;
end $$;

call ledger.secure();
call ledger.open_door('mercato_runtime', array['ledger.change_key', 'sign_in.know_key']);
