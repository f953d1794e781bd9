-- What owners change themselves: the terms of a key, and which of their sign-ins goes on.

-- Changes the terms of a key that is not revoked. Its limit cannot be set below what is spent and held under it.
create function ledger.change_key(
    p_account_id uuid, p_api_key_id uuid, p_name text, p_limit bigint, p_resets text, p_expires_at timestamptz
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
    elsif p_limit < there.spent_nanos + there.held_nanos then
        return 'below_spent';
    end if;
    update api_key set name = p_name, limit_nanos = p_limit, limit_resets = p_resets, expires_at = p_expires_at,
        -- A window that is new begins now; one that goes on keeps what was spent in it.
        window_started_at = case when there.limit_resets is distinct from p_resets then now() else window_started_at end
    where api_key_id = p_api_key_id;
    return 'changed';
end $$;

-- Ends a sign-in of this account; false when it has no such one.
create function sign_in.end_session_of(p_account_id uuid, p_session_id uuid) returns boolean
language sql set search_path = public, pg_temp
begin atomic
    update session set ended_at = coalesce(ended_at, now())
    where account_id = p_account_id and session_id = p_session_id returning true;
end;

call ledger.secure();
call ledger.open_door('mercato_runtime', array['ledger.change_key', 'sign_in.end_session_of']);
