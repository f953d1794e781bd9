-- What an account's plan, and a key that has limits of its own, allow in a minute: for servers that count in Valkey and
-- must be told by the database only how far. A plan's limits are multiplied by the factor of the installation.
create function ledger.rate_limits(p_account_id uuid, p_api_key_id uuid, p_factor bigint) returns table (
    owner text, owner_name text, request_limit bigint, token_limit bigint
)
-- Its plans are kept, which a function in SQL would make anew for every call.
language plpgsql stable set search_path = public, pg_temp as $$
#variable_conflict use_column
begin
    return query select 'plan', p.name, p.requests_a_minute * p_factor, p.tokens_a_minute * p_factor
    from account a join plan p using (plan)
    where a.account_id = p_account_id;
    return query select 'key', k.name, k.requests_a_minute::bigint, k.tokens_a_minute
    from api_key k
    where k.api_key_id = p_api_key_id and k.account_id = p_account_id
        and (k.requests_a_minute is not null or k.tokens_a_minute is not null);
end $$;

call ledger.secure();
call ledger.open_door('mercato_runtime', array['ledger.rate_limits']);
