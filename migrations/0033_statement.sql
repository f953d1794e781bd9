-- Where a month ends in an account's wallets. Both functions only read, with the rights of whoever asks.

-- A version of a wallet that was written before a moment while the next one was not; found by halving.
create function ledger.version_near(p_account_id uuid, p_fund text, p_moment timestamptz) returns bigint
language plpgsql stable set search_path = public, pg_temp as $$
declare
    low bigint := 0;
    high bigint;
    middle bigint;
begin
    select version + 1 into strict high from wallet where account_id = p_account_id and fund = p_fund;
    while high - low > 1 loop
        middle := low + (high - low) / 2;
        -- An entry that is missing where one should be stays inside, so that the gap shows.
        if exists (
            select from ledger_entry
            where account_id = p_account_id and fund = p_fund and wallet_version = middle and created_at >= p_moment
        ) then
            high := middle;
        else
            low := middle;
        end if;
    end loop;
    return low;
end $$;

-- The last version of each wallet that belongs to the time before a moment.
--
-- Transactions are dated when they begin and numbered when they have the account, so near the moment a few may stand
-- the other way round; none waits for a minute. A wallet is cut behind the last entry dated before the moment, and
-- what one transaction wrote into two wallets stays together.
create function ledger.versions_before(p_account_id uuid, p_moment timestamptz)
returns table (fund text, version bigint)
language sql stable set search_path = public, pg_temp as $$
    with span as materialized (
        select w.fund, ledger.version_near(p_account_id, w.fund, p_moment - interval '1 minute') as low,
            ledger.version_near(p_account_id, w.fund, p_moment + interval '1 minute') as high
        from wallet w where w.account_id = p_account_id
    ), near as materialized (
        -- `offset 0` has each wallet looked up by itself; one join of all would read the whole table.
        select e.*
        from span s cross join lateral (
            select w.fund, w.wallet_version, w.tx_id, w.created_at from ledger_entry w
            where w.account_id = p_account_id and w.fund = s.fund
                and w.wallet_version > s.low and w.wallet_version <= s.high
            offset 0
        ) as e
    ), cut as (
        select n.fund, max(n.wallet_version) as version from near n where n.created_at < p_moment group by n.fund
    ), inside as (
        select n.tx_id from near n join cut c on c.fund = n.fund and n.wallet_version <= c.version
    )
    select s.fund, coalesce(max(n.wallet_version), s.low)
    from span s left join near n on n.fund = s.fund and n.tx_id in (select i.tx_id from inside i)
    group by s.fund, s.low
$$;

call ledger.secure();
grant execute on function ledger.version_near(uuid, text, timestamptz), ledger.versions_before(uuid, timestamptz)
    to mercato_runtime;
