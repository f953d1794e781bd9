-- Answers that are told again, for nothing, to whoever asks the same again and says so (`X-OpenRouter-Cache`). They lie
-- beside those of Idempotency-Keys and are forgotten with them.

alter table idempotency
    drop constraint idempotency_route_known,
    add constraint idempotency_route_known check (route in ('chat/completions', 'top-ups', 'keys', 'cache')),
    -- The call that was paid for the answer. It may have an Idempotency-Key as well, so it does not name this row.
    add column source_call_id uuid,
    add constraint idempotency_source_of_cached check ((route = 'cache') = (source_call_id is not null));
create unique index idempotency_cached on idempotency (account_id, key) where route = 'cache';

-- Keeps an answer in the place of an earlier one to the same request. What an account may keep is bounded: the oldest
-- make room.
create function ledger.cache_answer(
    p_account_id uuid, p_api_key_id uuid, p_request_hash bytea, p_call_id uuid, p_content_type text, p_body bytea,
    p_ttl_seconds integer, p_bytes_max bigint, p_answers_max bigint
) returns void
language sql set search_path = public, pg_temp as $$
    insert into idempotency (
        call_id, attempt_id, account_id, api_key_id, route, key, request_hash, state, lease_until, status, content_type,
        body, source_call_id, expires_at
    ) values (
        gen_random_uuid(), gen_random_uuid(), p_account_id, p_api_key_id, 'cache', encode(p_request_hash, 'hex'),
        p_request_hash, 'finished', now(), 200, p_content_type, p_body, p_call_id,
        now() + make_interval(secs => p_ttl_seconds)
    )
    on conflict (account_id, key) where route = 'cache' do update
    set source_call_id = excluded.source_call_id, content_type = excluded.content_type, body = excluded.body,
        created_at = excluded.created_at, expires_at = excluded.expires_at;
    with kept as (
        select i.call_id, sum(length(i.body)) over newest as bytes, row_number() over newest as place
        from idempotency i where i.account_id = p_account_id and i.route = 'cache'
        window newest as (order by i.created_at desc, i.call_id)
    ), too_many as (
        -- Whoever makes room at the same time is not waited for, so that no two wait for each other.
        select i.call_id from idempotency i join kept using (call_id)
        where kept.bytes > p_bytes_max or kept.place > p_answers_max
        for update of i skip locked
    )
    delete from idempotency i using too_many where i.call_id = too_many.call_id
$$;

-- The answer that is kept for a request, the call it came from, its age and how long it still lasts.
create function ledger.find_cached(p_account_id uuid, p_request_hash bytea) returns table (
    call_id uuid, content_type text, body bytea, age_seconds bigint, left_seconds bigint
)
language sql stable set search_path = public, pg_temp as $$
    select i.source_call_id, i.content_type, i.body,
        floor(extract(epoch from now() - i.created_at))::bigint,
        ceil(extract(epoch from i.expires_at - now()))::bigint
    from idempotency i
    where i.account_id = p_account_id and i.route = 'cache' and i.key = encode(p_request_hash, 'hex')
        and i.expires_at > now()
$$;

-- Deletes the answer that is kept for a request.
create function ledger.forget_cached(p_account_id uuid, p_request_hash bytea) returns void
language sql set search_path = public, pg_temp as $$
    delete from idempotency i
    where i.account_id = p_account_id and i.route = 'cache' and i.key = encode(p_request_hash, 'hex')
$$;

call ledger.secure();
call ledger.open_door('mercato_runtime', array['ledger.cache_answer', 'ledger.find_cached', 'ledger.forget_cached']);
