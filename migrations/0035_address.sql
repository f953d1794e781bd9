-- Addresses that were shown to reach somebody, and one allowance of free tokens for whoever is behind them.

-- Who an address belongs to: spellings that reach the same person are one. `Email::identity` says the same.
create function sign_in.identity(p_email text) returns text
language sql immutable parallel safe
return (
    select case
        when host in ('gmail.com', 'googlemail.com') then replace(name, '.', '') || '@gmail.com'
        else name || '@' || host
    end
    from (
        -- Letters beyond ASCII were lowered before the address was stored, alike on every server.
        select split_part(split_part(lower(p_email collate "C"), '@', 1), '+', 1) as name,
            split_part(lower(p_email collate "C"), '@', 2) as host
    ) as part
);

alter table account
    add column identity text not null generated always as (sign_in.identity(email)) stored;

-- It answers whole rows, which are longer now.
create or replace function sign_in.find_credentials(p_email text) returns setof account
language sql stable security definer set search_path = public, pg_temp
begin atomic
    select * from account where email = p_email;
end;

create function sign_in.is_verified(p_account_id uuid) returns boolean
language sql stable set search_path = public, pg_temp
return exists (select from account where account_id = p_account_id and verified_at is not null);

-- A month's free tokens are given once to whoever it is, however many accounts they have.
alter table grant_
    add column identity text,
    add constraint grant_once_an_identity unique (identity, period);
update grant_ g set identity = earliest.identity
from (
    select distinct on (a.identity, one.period) one.grant_id, a.identity
    from grant_ one join account a using (account_id)
    where one.fund = 'free' order by a.identity, one.period, one.created_at
) as earliest
where g.grant_id = earliest.grant_id;

-- The month that free tokens are given for now.
create function ledger.this_period() returns text
language sql stable
return to_char(now() at time zone 'utc', 'YYYY-MM');

-- Gives this month's free tokens and takes back what is left of an earlier month's. The account must be locked.
--
-- Accounts of one identity wait for each other at `grant_once_an_identity`, and one of them is given the tokens.
create or replace function ledger.grant_free_tokens(p_account_id uuid) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
    free wallet;
    given grant_;
    tx uuid;
begin
    select * into strict free from wallet where account_id = p_account_id and fund = 'free';
    -- A clock that goes back must not give a month twice.
    if free.period >= ledger.this_period() then
        return;
    end if;
    insert into grant_ (grant_id, account_id, identity, fund, amount, remaining, period, reason, expires_at)
    select gen_random_uuid(), a.account_id, a.identity, 'free', p.free_tokens, p.free_tokens, ledger.this_period(),
        'monthly allowance', ledger.window_start('month') + interval '1 month'
    from account a join plan p using (plan)
    where a.account_id = p_account_id and a.verified_at is not null and p.free_tokens > 0
    on conflict do nothing returning * into given;
    if free.posted > free.held or given.amount > 0 then
        insert into ledger_tx (kind, idempotency_key, account_id, actor)
        values ('free_tokens', format('free:%s:%s', p_account_id, ledger.this_period()), p_account_id, 'system')
        returning tx_id into tx;
    end if;
    if free.posted > free.held then
        perform ledger.post_to_wallet(tx, 1::smallint, p_account_id, 'free', free.held - free.posted, 0);
        insert into ledger_entry (tx_id, line, account, asset, amount)
        values (tx, 2, 'free_token:issuer', 'FREE_TOKEN', free.posted - free.held);
    end if;
    if given.amount > 0 then
        perform ledger.post_to_wallet(tx, 3::smallint, p_account_id, 'free', given.amount, 0);
        insert into ledger_entry (tx_id, line, account, asset, amount)
        values (tx, 4, 'free_token:issuer', 'FREE_TOKEN', -given.amount);
    end if;
    update wallet set period = ledger.this_period() where account_id = p_account_id and fund = 'free';
end $$;

-- What a call could take this month, whether it was given already or still will be.
create function ledger.free_tokens_left(p_account_id uuid) returns bigint
language sql stable set search_path = public, pg_temp
begin atomic
    select case
        when a.verified_at is null then 0
        when w.period >= ledger.this_period() then w.posted - w.held
        when exists (
            select from grant_ g where g.identity = a.identity and g.period = ledger.this_period()
        ) then 0
        else p.free_tokens
    end
    from account a join plan p using (plan) join wallet w on w.account_id = a.account_id and w.fund = 'free'
    where a.account_id = p_account_id;
end;

-- Secrets that prove, once and for a while, that their holder reads the letters sent to an address.
create table one_time_secret (
    -- SHA-256 of 256 random bits, which are in the letter alone.
    digest bytea primary key constraint one_time_secret_digest_sha256 check (length(digest) = 32),
    account_id uuid not null references account,
    purpose text not null
        constraint one_time_secret_purpose_known check (purpose in ('confirm_address', 'reset_password')),
    -- Where it was sent: of another address it proves nothing.
    email text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz
);
create index one_time_secret_by_account on one_time_secret (account_id, purpose, created_at);

-- Keeps a secret that is about to be sent, unless one was sent less than a minute or five less than a day ago. Answers
-- the seconds to wait then, else 0; null for an account that is not there or suspended.
create function sign_in.issue_secret(p_account_id uuid, p_purpose text, p_digest bytea, p_minutes integer)
returns integer
language plpgsql set search_path = public, pg_temp as $$
declare
    address text;
    sent record;
    wait_seconds numeric;
begin
    -- Who asks twice at once waits here, so that both are counted.
    select email into address from account
    where account_id = p_account_id and suspended_at is null for no key update;
    if not found then
        return null;
    end if;
    delete from one_time_secret
    where account_id = p_account_id and purpose = p_purpose and created_at <= now() - interval '1 day';
    select count(*) as count, min(created_at) as oldest, max(created_at) as newest into sent
    from one_time_secret where account_id = p_account_id and purpose = p_purpose;
    -- By the clock, for `now()` was read before the wait.
    wait_seconds := extract(epoch from case
        when sent.count >= 5 then sent.oldest + interval '1 day' else sent.newest + interval '1 minute'
    end - clock_timestamp());
    if wait_seconds > 0 then
        return ceil(wait_seconds);
    end if;
    insert into one_time_secret (digest, account_id, purpose, email, expires_at)
    values (p_digest, p_account_id, p_purpose, address, now() + make_interval(mins => p_minutes));
    return 0;
end $$;

-- The address a secret was sent to, as long as it may be used.
create function sign_in.find_secret(p_purpose text, p_digest bytea) returns text
language sql stable set search_path = public, pg_temp
begin atomic
    select a.email from one_time_secret s join account a using (account_id)
    where s.digest = p_digest and s.purpose = p_purpose and s.used_at is null and s.expires_at > now()
        and a.email = s.email and a.suspended_at is null;
end;

-- Uses a secret up. Of two who try at once, one is told whose it is.
create function sign_in.use_secret(p_purpose text, p_digest bytea) returns uuid
language sql set search_path = public, pg_temp
begin atomic
    update one_time_secret s set used_at = now()
    from account a
    where s.digest = p_digest and s.purpose = p_purpose and s.used_at is null and s.expires_at > now()
        and a.account_id = s.account_id and a.email = s.email and a.suspended_at is null
    returning a.account_id;
end;

-- Whose address was confirmed; null when the secret is worth nothing.
create function sign_in.confirm_address(p_digest bytea) returns uuid
language plpgsql set search_path = public, pg_temp as $$
declare
    owner uuid := sign_in.use_secret('confirm_address', p_digest);
begin
    update account set verified_at = coalesce(verified_at, now()) where account_id = owner;
    return owner;
end $$;

-- Sets a new password and ends every session. The letter was read, so its address is confirmed too.
create function sign_in.reset_password(p_digest bytea, p_password_hash text) returns uuid
language plpgsql set search_path = public, pg_temp as $$
declare
    owner uuid := sign_in.use_secret('reset_password', p_digest);
begin
    update account set password_hash = p_password_hash, verified_at = coalesce(verified_at, now())
    where account_id = owner;
    update session set ended_at = now() where account_id = owner and ended_at is null;
    update one_time_secret set used_at = now()
    where account_id = owner and purpose = 'reset_password' and used_at is null;
    return owner;
end $$;

-- Refuses a key beyond what the plan allows, also when several are made at once.
create function ledger.check_keys_max() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    allowed integer;
begin
    select p.keys_max into strict allowed from account a join plan p using (plan)
    where a.account_id = new.account_id for no key update of a;
    if allowed <= (
        select count(*) from api_key
        where account_id = new.account_id and revoked_at is null and (expires_at is null or expires_at > now())
    ) then
        raise exception 'the plan allows % keys', allowed
            using errcode = 'check_violation', constraint = 'api_key_within_plan';
    end if;
    return new;
end $$;
create trigger api_key_within_plan before insert on api_key
for each row execute function ledger.check_keys_max();

call ledger.secure();
call ledger.open_door('mercato_runtime', array[
    'ledger.free_tokens_left', 'sign_in.is_verified', 'sign_in.issue_secret', 'sign_in.find_secret',
    'sign_in.confirm_address', 'sign_in.reset_password'
]);
-- It only computes, for whoever writes an account.
grant execute on function sign_in.identity(text) to mercato_runtime, mercato_admin;
-- A name is no secret and no money: its owner writes it directly.
grant update (name) on account to mercato_runtime;
