-- How much may be asked in a minute: by a plan, by a key, from an address. docs/limits.md says why it is exact.

alter table plan
    add column tokens_a_minute bigint not null default 200000
        constraint plan_tokens_positive check (tokens_a_minute > 0);
update plan set tokens_a_minute = case plan
    when 'starter' then 1000000 when 'pro' then 4000000 when 'enterprise' then 40000000 else 200000 end;

-- What was handed out of the minute that runs, by whose limit it is: `plan:` and the account, `key:` or `address:`.
-- Servers take slices of it and spend them by themselves.
--
-- Not logged, for nothing here is worth anything after its minute; so taking a slice waits for no disk. A database that
-- crashes begins its minute anew.
create unlogged table sign_in.rate_window (
    subject text primary key,
    minute timestamptz not null,
    requests bigint not null,
    tokens bigint not null
) with (fillfactor = 50);
-- Beside the functions of `sign_in`, for addresses are nobody's to read.
alter table sign_in.rate_window owner to mercato_owner;

-- Hands out at least what is needed, or nothing; a fiftieth of the limit, so that a server asks seldom; and less of a rest,
-- so that little of it lies idle at one server while another refuses. Without a limit nothing is counted.
create function ledger.rate_slice(p_limit bigint, p_taken bigint, p_needed bigint) returns bigint
language sql immutable
return case
    when p_limit is null or p_limit - p_taken < p_needed then 0
    else least(p_limit - p_taken, greatest(p_needed, least((p_limit + 49) / 50, (p_limit - p_taken) / 16)))
end;

-- Takes a slice of the minute for one server. The minute is that of the database's clock, and the milliseconds say how much
-- of it was left when the clock was read.
create function ledger.take_slice(
    p_subject text, p_request_limit bigint, p_requests bigint, p_token_limit bigint, p_tokens bigint
) returns table (
    requests bigint, requests_left bigint, tokens bigint, tokens_left bigint, minute bigint, millis_left bigint
)
language plpgsql set search_path = public, pg_temp as $$
#variable_conflict use_variable
declare
    there sign_in.rate_window;
    at timestamptz;
begin
    loop
        select * into there from sign_in.rate_window w where w.subject = p_subject for update;
        exit when found;
        insert into sign_in.rate_window (subject, minute, requests, tokens) values (p_subject, '-infinity', 0, 0)
        on conflict do nothing;
    end loop;
    -- Read only now, for the minute may have changed while others were waited for.
    at := clock_timestamp();
    -- A clock that is set back a little must not give a minute twice.
    if there.minute < date_trunc('minute', at) or there.minute > at + interval '1 minute' then
        there.minute := date_trunc('minute', at);
        there.requests := 0;
        there.tokens := 0;
    end if;
    requests := ledger.rate_slice(p_request_limit, there.requests, p_requests);
    tokens := ledger.rate_slice(p_token_limit, there.tokens, p_tokens);
    update sign_in.rate_window w set minute = there.minute, requests = there.requests + requests, tokens = there.tokens + tokens
    where w.subject = p_subject;
    requests_left := greatest(p_request_limit - there.requests - requests, 0);
    tokens_left := greatest(p_token_limit - there.tokens - tokens, 0);
    minute := extract(epoch from there.minute)::bigint / 60;
    millis_left := extract(epoch from there.minute + interval '1 minute' - at) * 1000;
    return next;
end $$;

-- Slices of an account's plan and, if it has limits of its own, of a key, in this order, so that nobody waits in a circle. A
-- plan's limits are multiplied by the factor of the installation.
create function ledger.take_slices(
    p_account_id uuid, p_api_key_id uuid, p_factor bigint, p_plan_requests bigint, p_plan_tokens bigint,
    p_key_requests bigint, p_key_tokens bigint
) returns table (
    owner text, owner_name text, request_limit bigint, requests bigint, requests_left bigint, token_limit bigint,
    tokens bigint, tokens_left bigint, minute bigint, millis_left bigint
)
language plpgsql set search_path = public, pg_temp as $$
#variable_conflict use_column
begin
    return query select 'plan', p.name, p.requests_a_minute * p_factor, s.requests, s.requests_left,
        p.tokens_a_minute * p_factor, s.tokens, s.tokens_left, s.minute, s.millis_left
    from account a join plan p using (plan) cross join lateral ledger.take_slice(
        'plan:' || a.account_id, p.requests_a_minute * p_factor, p_plan_requests, p.tokens_a_minute * p_factor, p_plan_tokens
    ) s
    where a.account_id = p_account_id;
    return query select 'key', k.name, k.requests_a_minute::bigint, s.requests, s.requests_left, k.tokens_a_minute, s.tokens,
        s.tokens_left, s.minute, s.millis_left
    from api_key k cross join lateral ledger.take_slice(
        'key:' || k.api_key_id, k.requests_a_minute, p_key_requests, k.tokens_a_minute, p_key_tokens
    ) s
    where k.api_key_id = p_api_key_id and k.account_id = p_account_id
        and (k.requests_a_minute is not null or k.tokens_a_minute is not null);
end $$;

-- Whose key this is and what it may do, as long as it may be used; the same statement brings slices for a call that is about
-- to be made, so that counting costs no round trip of its own. A row for each slice, or one without.
create function sign_in.know_key(
    p_digest bytea, p_with_slices boolean, p_factor bigint, p_address text, p_address_limit bigint
) returns table (
    api_key_id uuid, account_id uuid, email text, name text, role text, plan text, verified boolean,
    key_name text, scopes text[], models text[], addresses text[], is_rated boolean,
    owner text, owner_name text, request_limit bigint, requests bigint, requests_left bigint, token_limit bigint,
    tokens bigint, tokens_left bigint, minute bigint, millis_left bigint
)
language plpgsql set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
    known record;
begin
    select k.api_key_id, a.account_id, a.email, a.name, a.role, a.plan, a.verified_at is not null as verified,
        k.name as key_name, k.scopes, k.models, k.addresses,
        k.requests_a_minute is not null or k.tokens_a_minute is not null as is_rated, k.last_used_at
    into known
    from (
        select one.* from api_key one where one.digest = p_digest
        union all
        select one.* from api_key one where one.old_digest = p_digest and one.old_until > now()
    ) k join account a using (account_id)
    where k.revoked_at is null and (k.expires_at is null or k.expires_at > now()) and a.suspended_at is null;
    if found then
        return query select known.api_key_id, known.account_id, known.email, known.name, known.role, known.plan,
            known.verified, known.key_name, known.scopes, known.models, known.addresses, known.is_rated, s.*
        from (select) one left join lateral ledger.take_slices(
            known.account_id, known.api_key_id, p_factor, 1, 0, 1, 0
        ) s on p_with_slices;
    end if;
    -- Counted whether the key is good or not: guesses come from somewhere.
    if p_address is not null then
        return query select known.api_key_id, known.account_id, known.email, known.name, known.role, known.plan,
            known.verified, known.key_name, known.scopes, known.models, known.addresses, known.is_rated,
            'address', p_address, p_address_limit, s.requests, s.requests_left, null::bigint, s.tokens, s.tokens_left,
            s.minute, s.millis_left
        from ledger.take_slice('address:' || p_address, p_address_limit, 1, null, 0) s;
    end if;
    -- Paid calls say it when their money is set aside. Nobody waits for this, and it is said once a minute.
    if known.api_key_id is not null and not p_with_slices
        and (known.last_used_at is null or known.last_used_at < now() - interval '1 minute')
    then
        update api_key k set last_used_at = now()
        where k.api_key_id = (
            select one.api_key_id from api_key one where one.api_key_id = known.api_key_id for update skip locked
        );
    end if;
end $$;

-- Forgets who asked for nothing in ten minutes.
create function ledger.forget_rates() returns bigint
language sql set search_path = public, pg_temp as $$
    with gone as (
        delete from sign_in.rate_window w using (
            select subject from sign_in.rate_window where minute < now() - interval '10 minutes' for update skip locked
        ) old
        where w.subject = old.subject returning 1
    )
    select count(*) from gone
$$;

call ledger.secure();
call ledger.open_door('mercato_runtime', array['ledger.take_slices', 'sign_in.know_key', 'ledger.forget_rates']);
