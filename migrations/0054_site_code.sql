-- Codes with which a site fetches, once, the API key that somebody agreed to give it.

create table site_code (
    -- SHA-256 of 256 random bits, which only the site's address was told.
    digest bytea primary key constraint site_code_digest_sha256 check (length(digest) = 32),
    account_id uuid not null references account,
    -- SHA-256 of what the site alone knows and must show with the code.
    proof bytea not null constraint site_code_proof_sha256 check (length(proof) = 32),
    -- Who asked, as it stood on the page: `https://example.org`.
    site text not null,
    limit_nanos bigint constraint site_code_limit_positive check (limit_nanos > 0),
    limit_resets text,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    -- The key that was made with it.
    api_key_id uuid,
    -- Whether it came once more with the right proof, perhaps before the key was there.
    came_again boolean not null default false
);
create index site_code_by_account on site_code (account_id, created_at);

-- Keeps a code that is about to be told, unless twenty were within the hour. False then, and for an account that is not
-- there or suspended.
create function sign_in.keep_site_code(
    p_account_id uuid, p_digest bytea, p_proof bytea, p_site text, p_limit bigint, p_resets text, p_minutes integer
) returns boolean
language plpgsql set search_path = public, pg_temp as $$
begin
    -- Who asks twice at once waits here, so that both are counted.
    perform from account where account_id = p_account_id and suspended_at is null for no key update;
    if not found then
        return false;
    end if;
    -- A used one is remembered as long as anybody might present it a second time.
    delete from site_code where account_id = p_account_id and created_at <= now() - interval '30 days';
    if 20 <= (
        select count(*) from site_code where account_id = p_account_id and created_at > now() - interval '1 hour'
    ) then
        return false;
    end if;
    insert into site_code (digest, account_id, proof, site, limit_nanos, limit_resets, expires_at)
    values (p_digest, p_account_id, p_proof, p_site, p_limit, p_resets, now() + make_interval(mins => p_minutes));
    return true;
end $$;

-- Uses a code up, also when what is shown with it is wrong: nobody may guess twice. The outcome is `good`, `again` (it was
-- used before, and is shown with the right proof: the key made with it is named), or `worthless`.
create function sign_in.use_site_code(
    p_digest bytea, p_proof bytea,
    out outcome text, out account_id uuid, out site text, out limit_nanos bigint, out limit_resets text, out api_key_id uuid
)
language plpgsql set search_path = public, pg_temp as $$
declare
    code site_code;
begin
    outcome := 'worthless';
    select c.* into code from site_code c
        join account a on a.account_id = c.account_id and a.suspended_at is null
    where c.digest = p_digest for update of c;
    if not found then
        return;
    end if;
    update site_code c set used_at = coalesce(c.used_at, now()) where c.digest = p_digest;
    if code.proof <> p_proof or (code.used_at is null and code.expires_at <= now()) then
        return;
    end if;
    outcome := case when code.used_at is null then 'good' else 'again' end;
    update site_code c set came_again = true where c.digest = p_digest and outcome = 'again';
    account_id := code.account_id;
    site := code.site;
    limit_nanos := code.limit_nanos;
    limit_resets := code.limit_resets;
    api_key_id := code.api_key_id;
end $$;

-- Says whether the code came again meanwhile: nobody could take that key away yet.
create function sign_in.name_site_key(p_digest bytea, p_api_key_id uuid) returns boolean
language sql set search_path = public, pg_temp
begin atomic
    update site_code set api_key_id = p_api_key_id where digest = p_digest returning came_again;
end;

call ledger.secure();
call ledger.open_door('mercato_runtime', array[
    'sign_in.keep_site_code', 'sign_in.use_site_code', 'sign_in.name_site_key'
]);
