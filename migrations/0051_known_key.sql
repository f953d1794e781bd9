-- What servers may remember of keys: for how long, and whose keys have changed since. Refusals for want of money that write
-- nothing. docs/limits.md says why what is revoked is refused all the same.

-- Whose key changed, or what a key tells of its owner, and in which transaction. Servers ask every moment what is new here.
create table sign_in.key_change (
    account_id uuid not null,
    changed_xid xid8 not null default pg_current_xact_id(),
    changed_at timestamptz not null default clock_timestamp()
);
create index key_change_by_xid on sign_in.key_change (changed_xid);
alter table sign_in.key_change owner to mercato_owner;

create function sign_in.note_key_change() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into sign_in.key_change (account_id) values (new.account_id);
    return null;
end $$;

-- Whoever changes it, also by hand. What calls change of a key at each step, its spending, is nothing that is remembered.
create trigger api_key_changes after update of account_id, name, digest, old_digest, old_until, scopes, models, addresses,
    requests_a_minute, tokens_a_minute, expires_at, revoked_at on api_key
for each row execute function sign_in.note_key_change();
create trigger account_changes after update of email, name, role, plan, verified_at, suspended_at on account
for each row execute function sign_in.note_key_change();

-- Whose keys have changed since an earlier answer and in which transactions; and where the database is now, to be named the
-- next time. A change that the earlier answer did not see was made by a transaction that was not over then, so by none below
-- the lowest of those. What it did see may come again, as long as an old transaction goes on.
create function sign_in.list_changed_keys(p_since bigint) returns table (seen bigint, account_id uuid, changed_xid bigint)
language sql stable set search_path = public, pg_temp as $$
    select now_at.seen, c.account_id, c.changed_xid::text::bigint
    from (select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as seen) now_at
        left join sign_in.key_change c on c.changed_xid >= p_since::text::xid8
$$;

-- Forgets changes that every server has heard of: none remembers a key for so long.
create function sign_in.forget_key_changes() returns bigint
language sql set search_path = public, pg_temp as $$
    with gone as (
        delete from sign_in.key_change where ctid = any (array(
            select ctid from sign_in.key_change where changed_at < now() - interval '10 minutes' for update skip locked
        )) returning 1
    )
    select count(*) from gone
$$;

-- As before, and says for how long what it tells is good if nobody changes it: until the secret ends by itself, and half a
-- minute at most. A use is noted here also when a slice is brought along, for there may be no look at the key for a while.
drop function sign_in.know_key(bytea, boolean, bigint, text, bigint);
create function sign_in.know_key(
    p_digest bytea, p_with_slices boolean, p_factor bigint, p_address text, p_address_limit bigint
) returns table (
    api_key_id uuid, account_id uuid, email text, name text, role text, plan text, verified boolean,
    key_name text, scopes text[], models text[], addresses text[], is_rated boolean, good_millis bigint,
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
            known.good_millis, s.*
        from (select) one left join lateral ledger.take_slices(
            known.account_id, known.api_key_id, p_factor, 1, 0, 1, 0
        ) s on p_with_slices;
    end if;
    -- Counted whether the key is good or not: guesses come from somewhere.
    if p_address is not null then
        return query select known.api_key_id, known.account_id, known.email, known.name, known.role, known.plan,
            known.verified, known.key_name, known.scopes, known.models, known.addresses, known.is_rated,
            known.good_millis, 'address', p_address, p_address_limit, s.requests, s.requests_left, null::bigint, s.tokens,
            s.tokens_left, s.minute, s.millis_left
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

-- What is there for calls that want of money refuses, and nothing else; others are not answered, and `ledger.reserve` must
-- be asked. Nothing is locked or written: as the books stand while this is answered the money is not there, and who puts some
-- in later asks later.
create function ledger.list_short(
    p_call_ids uuid[], p_account_ids uuid[], p_api_key_ids uuid[], p_price_ids uuid[], p_leasts bigint[],
    p_take_free boolean[]
) returns table (call_id uuid, available bigint)
language plpgsql stable set search_path = public, pg_temp set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
    return query select p.call_id, paid.posted - paid.held + paid.credit_limit + promo.posted - promo.held
    from unnest(p_call_ids, p_account_ids, p_api_key_ids, p_price_ids, p_leasts, p_take_free)
            as p (call_id, account_id, api_key_id, price_id, least, takes_free)
        join account a using (account_id)
        join wallet paid on paid.account_id = p.account_id and paid.fund = 'paid'
        join wallet promo on promo.account_id = p.account_id and promo.fund = 'promo'
    where paid.posted - paid.held + paid.credit_limit + promo.posted - promo.held < p.least
        and a.suspended_at is null and a.frozen_at is null and (a.verified_at is null or not p.takes_free)
        -- What has run out of a grant is still counted in its wallet.
        and (promo.posted = promo.held or not exists (
            select from grant_ g where g.account_id = p.account_id and g.remaining > 0 and g.fund = 'promo'
                and g.expires_at <= now()
        ))
        -- Limits are told before the balance.
        and not exists (select from budget b where b.account_id = p.account_id)
        and (p.api_key_id is null or exists (
            select from api_key k where k.api_key_id = p.api_key_id and k.account_id = p.account_id
                and k.revoked_at is null and (k.expires_at is null or k.expires_at > now()) and k.limit_nanos is null
        ))
        and exists (select from price v where v.price_id = p.price_id and v.valid_during @> now())
        and not exists (select from book_state where safe_since is not null);
end $$;

call ledger.secure();
call ledger.open_door('mercato_runtime', array[
    'sign_in.know_key', 'sign_in.list_changed_keys', 'sign_in.forget_key_changes', 'ledger.list_short'
]);
