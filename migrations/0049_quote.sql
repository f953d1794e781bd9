-- A price told before a call is kept for ten minutes: whoever sends the call with its quote pays the version it names.

create table quote (
    quote_id uuid primary key,
    account_id uuid not null references account,
    model_id text not null,
    provider text not null,
    price_id uuid not null references price,
    take_bps integer not null,
    -- No call under this quote costs more.
    most bigint not null constraint quote_most_not_negative check (most >= 0),
    created_at timestamptz not null default now(),
    valid_until timestamptz not null default now() + interval '10 minutes'
);
create index quote_by_end on quote (valid_until);

-- Which call relied on which quote.
create table quoted_call (
    call_id uuid primary key,
    quote_id uuid not null references quote,
    account_id uuid not null references account
);
create index quoted_call_by_quote on quoted_call (quote_id);

-- Promises a price that is in force; null for one that was replaced meanwhile.
create function ledger.make_quote(
    p_quote_id uuid, p_account_id uuid, p_model_id text, p_provider text, p_price_id uuid, p_take_bps integer, p_most bigint
) returns timestamptz
language sql set search_path = public, pg_temp as $$
    insert into quote (quote_id, account_id, model_id, provider, price_id, take_bps, most)
    select p_quote_id, p_account_id, model_id, provider, price_id, p_take_bps, p_most from price
    where price_id = p_price_id and model_id = p_model_id and provider = p_provider and valid_during @> now()
    returning valid_until
$$;

-- Notes that a call relies on a quote of its account, and says what was promised; a quote that has run out is told but
-- promises nothing.
create function ledger.rely_on_quote(p_quote_id uuid, p_account_id uuid, p_call_id uuid) returns table (
    model_id text, provider text, price_id uuid, terms jsonb, take_bps integer, most bigint, is_valid boolean
)
language sql set search_path = public, pg_temp as $$
    with told as (
        select q.*, p.terms, q.valid_until > now() as is_valid from quote q join price p using (price_id)
        where q.quote_id = p_quote_id and q.account_id = p_account_id
    ), noted as (
        insert into quoted_call (call_id, quote_id, account_id)
        select p_call_id, quote_id, account_id from told where is_valid
        on conflict (call_id) do nothing
    )
    select model_id, provider, price_id, terms, take_bps, most, is_valid from told
$$;

-- Whether a call was promised a price that is no longer in force.
create function ledger.is_promised(p_call_id uuid, p_price_id uuid, p_at timestamptz) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select exists (
        select from quoted_call c join quote q using (quote_id)
        where c.call_id = p_call_id and q.price_id = p_price_id and q.valid_until > p_at
    )
$$;

-- A reservation looks up the quote where the price itself is no longer in force. The rest of it stays as it is.
do $$
declare
    before text := pg_get_functiondef('ledger.reserve'::regproc);
    looked text := 'valid_during @> now()) as priced';
begin
    if position(looked in before) = 0 then
        raise exception 'ledger.reserve does not look up its price where it used to';
    end if;
    execute replace(before, looked,
        'valid_during @> now()) or ledger.is_promised(p_call_id, p_price_id, now()) as priced');
end $$;

-- A call is charged under the version that was in force when it began, or that it was promised.
alter view ledger.violation rename to violation_unless_promised;
create view ledger.violation as
    select invariant, subject, detail from ledger.violation_unless_promised v
    where not (v.invariant = 'I10' and exists (
        select from usage_call u
        where u.call_id::text = v.subject and u.price_id::text = v.detail
            and ledger.is_promised(u.call_id, u.price_id, u.started_at)
    ));

-- Forgets quotes that ran out an hour ago and that no call was made under; returns how many.
create function ledger.forget_quotes(p_limit integer) returns bigint
language sql set search_path = public, pg_temp as $$
    with over as materialized (
        select q.quote_id from quote q
        where q.valid_until < now() - interval '1 hour' and not exists (
            select from quoted_call c join hold h using (call_id) where c.quote_id = q.quote_id
        )
        order by q.valid_until limit p_limit
    ), unused as (
        delete from quoted_call c using over where c.quote_id = over.quote_id returning c.call_id
    ), forgotten as (
        delete from quote q using over where q.quote_id = over.quote_id and (select count(*) from unused) >= 0
        returning q.quote_id
    )
    select count(*) from forgotten
$$;

call ledger.secure();
call ledger.open_door('mercato_runtime', array['ledger.make_quote', 'ledger.rely_on_quote', 'ledger.forget_quotes']);
grant execute on function ledger.is_promised(uuid, uuid, timestamptz) to mercato_admin, mercato_auditor;
