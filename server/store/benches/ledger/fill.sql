-- Years of business in seconds: accounts, and settled calls with every row and every link of the chains, written by few
-- statements. `mercato ledger verify` finds nothing wrong with them.

create schema bench;

create function bench.account(n bigint) returns uuid
language sql immutable parallel safe
return ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;

-- An id as the server would have made it at that time.
create function bench.id_at(at timestamptz, n bigint) returns uuid
language sql immutable parallel safe
return (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0')
    || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid;

create function bench.link(before bytea, content text) returns bytea
language sql immutable parallel safe
return sha256(before || convert_to(content, 'UTF8'));

create aggregate bench.chain(text) (sfunc = bench.link, stype = bytea, initcond = '');

-- Accounts `p_first` to `p_last`, each with an API key and so much money paid in.
create procedure bench.open_accounts(p_first bigint, p_last bigint, p_amount bigint)
language plpgsql as $$
begin
    insert into account (account_id, email, password_hash)
    select bench.account(n), format('buyer%s@example.org', n), '-' from generate_series(p_first, p_last) as n;
    insert into api_key (api_key_id, account_id, name, prefix, digest)
    select bench.account(n), bench.account(n), 'bench', 'mk_live_bench',
        int8send(n) || int8send(n) || int8send(n) || int8send(n)
    from generate_series(p_first, p_last) as n;
    insert into ledger_tx (tx_id, kind, idempotency_key, account_id, actor, created_at)
    select bench.account(n), 'top_up', 'bench:' || n, bench.account(n), 'processor:bench', now() - interval '366 days'
    from generate_series(p_first, p_last) as n;
    insert into ledger_entry
        (tx_id, line, account, asset, amount, account_id, fund, wallet_version, balance_after, hash, created_at)
    select bench.account(n), 1, format('user:%s:paid', bench.account(n)), 'USD', p_amount, bench.account(n), 'paid', 1,
        p_amount, ledger.link('', bench.account(n), 1::smallint, bench.account(n), 'paid', 'USD', p_amount, 1, p_amount),
        now() - interval '366 days'
    from generate_series(p_first, p_last) as n
    union all
    select bench.account(n), 2, 'cash:bench', 'USD', -p_amount, null, null, null, null, null,
        now() - interval '366 days'
    from generate_series(p_first, p_last) as n;
    insert into wallet (account_id, fund, asset, posted, version, chain_head)
    select e.account_id, e.fund, e.asset, e.amount, 1, e.hash
    from ledger_entry e
    where e.account_id between bench.account(p_first) and bench.account(p_last) and e.wallet_version = 1;
    insert into wallet (account_id, fund, asset)
    select bench.account(n), fund, asset
    from generate_series(p_first, p_last) as n, (values ('promo', 'USD'), ('free', 'FREE_TOKEN')) as funds (fund, asset);
end $$;

-- So many settled calls of 10 nano-dollars, in turn over the first `p_accounts` accounts and evenly over the year that
-- ends now; each fifth of them is of the first hundred, who are busy. To be called once, before anything else is booked.
create procedure bench.settle_calls(p_calls bigint, p_accounts bigint, p_price_id uuid, p_amount bigint)
language plpgsql set work_mem = '256MB' as $$
begin
    -- What was sold a year ago had its price then.
    alter table price disable trigger price_is_immutable;
    update price set valid_during = tstzrange(now() - interval '366 days', null), begins_at = now() - interval '366 days'
    where price_id = p_price_id;
    alter table price enable trigger price_is_immutable;
    create temporary table past as
    select n, account_id, version, call_id, at,
        bench.chain(concat_ws('|', call_id, 1, account_id, 'paid', 'USD', case when n < 0 then p_amount else -10 end,
            version, p_amount - 10 * (version - 1))) over (partition by account_id order by version) as hash
    from (
        select n, bench.account(number) as account_id,
            1 + row_number() over (partition by number order by n) as version, bench.id_at(at, n) as call_id, at
        from (
            select n, now() - interval '365 days' * (1 - n::float8 / p_calls) as at,
                1 + case when n % 5 = 0 then n / 5 % least(100, p_accounts) else n % p_accounts end as number
            from generate_series(0, p_calls - 1) as n
        ) as times
        union all
        -- The chain begins with what was paid in.
        select -1, bench.account(n), 1, bench.account(n), null from generate_series(1, p_accounts) as n
    ) as calls;
    delete from past where n < 0;
    insert into hold (call_id, account_id, model_id, provider, price_id, take_bps, amount, state, instance_id,
        lease_until, opened_at, closed_at)
    select call_id, account_id, 'openai/gpt-5-mini', 'openai', p_price_id, 3000, 30, 'captured', p_price_id, at, at, at
    from past order by n;
    insert into usage_call (call_id, account_id, model_id, provider, price_id, take_bps, input, cached_input, cache_write,
        cache_write_1h, output, reasoning, usage_source, provider_cost, commission, charge, overrun, finish,
        started_at, settled_at)
    select call_id, account_id, 'openai/gpt-5-mini', 'openai', p_price_id, 3000, 1, 0, 0, 0, 1, 0, 'provider', 7, 3, 10,
        0, 'stop', at, at
    from past order by n;
    insert into ledger_tx (tx_id, kind, idempotency_key, account_id, call_id, actor, created_at)
    select call_id, 'usage', call_id::text, account_id, call_id, 'system', at from past order by n;
    insert into ledger_entry
        (tx_id, line, account, asset, amount, account_id, fund, wallet_version, balance_after, hash, created_at)
    select p.call_id, l.line, l.account, 'USD', l.amount, l.account_id, l.fund, l.version, l.balance, l.hash, p.at
    from past p, lateral (values
        (1, format('user:%s:paid', p.account_id), -10, p.account_id, 'paid', p.version,
            p_amount - 10 * (p.version - 1), p.hash),
        (3, 'provider:openai:payable', 7, null, null, null, null, null),
        (4, 'platform:commission', 3, null, null, null, null, null)
    ) as l (line, account, amount, account_id, fund, version, balance, hash)
    order by p.n;
    update wallet w set posted = p_amount - 10 * (p.version - 1), version = p.version, chain_head = p.hash
    from (select distinct on (account_id) account_id, version, hash from past order by account_id, version desc) as p
    where w.account_id = p.account_id and w.fund = 'paid';
    drop table past;
end $$;

-- Ends what is under way as if it had never begun.
create procedure bench.drop_open_calls()
language sql
begin atomic
    with gone as (
        delete from hold where state = 'open' returning account_id, amount
    )
    update wallet w set held = w.held - g.held
    from (select account_id, sum(amount) as held from gone group by account_id) as g
    where w.account_id = g.account_id and w.fund = 'paid';
end;

-- So many calls that are under way, on accounts 1 to `p_accounts` at random, and no others.
create procedure bench.open_calls(p_calls bigint, p_accounts bigint, p_price_id uuid)
language plpgsql as $$
begin
    call bench.drop_open_calls();
    with opened as (
        insert into hold (call_id, account_id, model_id, provider, price_id, take_bps, amount, instance_id, lease_until)
        select bench.id_at(clock_timestamp(), n), bench.account(1 + floor(random() * p_accounts)::bigint),
            'openai/gpt-5-mini', 'openai', p_price_id, 3000, 30, p_price_id, now() + interval '1 day'
        from generate_series(1, p_calls) as n
        returning account_id, amount
    )
    update wallet w set held = w.held + o.held
    from (select account_id, sum(amount) as held from opened group by account_id) as o
    where w.account_id = o.account_id and w.fund = 'paid';
end $$;
