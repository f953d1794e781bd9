-- Requests that carry an Idempotency-Key: each acts once, however often it is sent, and is answered alike for a day.
--
-- Who may act is decided by the constraint `idempotency_once`. That a call is paid once is decided by the books: the
-- call id is fixed here before the hold, and a hold with this id can be opened only once, by whichever server.

create table idempotency (
    call_id uuid primary key,
    -- Who acts now; a later request may go on in the place of one whose server died before it had begun.
    attempt_id uuid not null,
    account_id uuid not null references account,
    -- Null for a person. An account's keys are different callers.
    api_key_id uuid references api_key,
    route text not null
        constraint idempotency_route_known check (route in ('chat/completions', 'top-ups', 'keys')),
    key text not null constraint idempotency_key_visible check (key ~ '^[!-~]{1,255}$'),
    request_hash bytea not null constraint idempotency_request_hash_sha256 check (length(request_hash) = 32),
    state text not null default 'running'
        constraint idempotency_state_known check (state in ('running', 'finished')),
    -- Until then, whoever claimed the key is taken to be alive though it holds no money yet.
    lease_until timestamptz not null,
    status integer constraint idempotency_status_is_http check (status between 100 and 599),
    content_type text,
    -- Sealed, for an answer may contain a new API key. Null when the answer was too large to keep.
    body bytea,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null default now() + interval '24 hours',
    constraint idempotency_once unique nulls not distinct (account_id, api_key_id, route, key),
    constraint idempotency_finished_with_status check ((state = 'finished') = (status is not null)),
    constraint idempotency_finished_with_type check ((state = 'finished') = (content_type is not null)),
    constraint idempotency_running_without_body check (state = 'finished' or body is null)
);
create index idempotency_by_expiry on idempotency (expires_at);

-- Decides what a request with a key may do: `run`, or be told that it is `finished`, `running`, `different` from the
-- first one with this key, or `interrupted`, its server having died in the middle. `p_attempt_id` is a fresh id.
create function ledger.claim_key(
    p_attempt_id uuid, p_account_id uuid, p_api_key_id uuid, p_route text, p_key text, p_request_hash bytea,
    p_lease_seconds integer,
    out outcome text, out call_id uuid, out status integer, out content_type text, out body bytea
)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    lease interval := make_interval(secs => p_lease_seconds);
    kept idempotency;
begin
    delete from idempotency i
    where i.account_id = p_account_id and i.api_key_id is not distinct from p_api_key_id
        and i.route = p_route and i.key = p_key and i.expires_at <= now()
        and not exists (select from hold h where h.call_id = i.call_id and h.state = 'open');
    insert into idempotency as i
        (call_id, attempt_id, account_id, api_key_id, route, key, request_hash, lease_until)
    values (p_attempt_id, p_attempt_id, p_account_id, p_api_key_id, p_route, p_key, p_request_hash, now() + lease)
    on conflict on constraint idempotency_once do update
    set attempt_id = excluded.attempt_id, lease_until = excluded.lease_until
    where i.state = 'running' and i.lease_until < now() and i.request_hash = excluded.request_hash
        and not exists (select from hold h where h.call_id = i.call_id)
    returning i.call_id into claim_key.call_id;
    if found then
        outcome := 'run';
        return;
    end if;
    -- The conflict has locked the row, so it is still there.
    select * into strict kept from idempotency i
    where i.account_id = p_account_id and i.api_key_id is not distinct from p_api_key_id
        and i.route = p_route and i.key = p_key;
    call_id := kept.call_id;
    if kept.request_hash <> p_request_hash then
        outcome := 'different';
    elsif kept.state = 'finished' then
        outcome := 'finished';
        status := kept.status;
        content_type := kept.content_type;
        body := kept.body;
    elsif exists (
        -- The reaper closed the hold, or its server did and has had its time to keep the answer.
        select from hold h left join usage_call u using (call_id)
        where h.call_id = kept.call_id and h.state <> 'open'
            and (u.finish = 'interrupted' or h.closed_at < now() - lease)
    ) then
        outcome := 'interrupted';
    else
        outcome := 'running';
    end if;
end $$;

-- Keeps the answer for whoever asks again. False when there is one already.
create function ledger.keep_answer(
    p_account_id uuid, p_call_id uuid, p_status integer, p_content_type text, p_body bytea
) returns boolean
language sql security definer set search_path = public, pg_temp as $$
    with kept as (
        update idempotency
        set state = 'finished', status = p_status, content_type = p_content_type, body = p_body
        where account_id = p_account_id and call_id = p_call_id and state = 'running'
        returning call_id
    )
    select exists (select from kept)
$$;

-- Frees the key of a request that was refused before it had begun. False when money is held for it after all, or when
-- another request has gone on in its place.
create function ledger.free_key(p_account_id uuid, p_attempt_id uuid) returns boolean
language sql security definer set search_path = public, pg_temp as $$
    with freed as (
        delete from idempotency i
        where i.account_id = p_account_id and i.attempt_id = p_attempt_id and i.state = 'running'
            and not exists (select from hold h where h.call_id = i.call_id)
        returning i.call_id
    )
    select exists (select from freed)
$$;

-- Deletes keys that are over, but for calls that money is still held for. Returns how many.
create function ledger.forget_keys(p_limit integer) returns bigint
language sql security definer set search_path = public, pg_temp as $$
    with expired as (
        select i.call_id from idempotency i
        where i.expires_at <= now()
            and not exists (select from hold h where h.call_id = i.call_id and h.state = 'open')
        order by i.expires_at limit p_limit for update skip locked
    ), forgotten as (
        delete from idempotency i using expired where i.call_id = expired.call_id returning i.call_id
    )
    select count(*) from forgotten
$$;

call ledger.secure();
call ledger.open_door('mercato_runtime', array[
    'ledger.claim_key', 'ledger.keep_answer', 'ledger.free_key', 'ledger.forget_keys'
]);
