-- The calls of whole UTC days added up, so that what looks back over months reads days and not calls.

create table usage_day (
    account_id uuid not null references account,
    day date not null,
    model_id text not null,
    provider text not null,
    -- None for calls from the account's pages.
    api_key_id uuid,
    calls bigint not null,
    -- Calls that came to nothing, and those of them that a failure ended.
    empty bigint not null,
    failed bigint not null,
    -- Tokens: all that was read, and all that was written with the thoughts in it.
    input bigint not null,
    output bigint not null,
    reasoning bigint not null,
    free_tokens bigint not null,
    -- Nano-dollars.
    provider_cost bigint not null,
    commission bigint not null,
    charge bigint not null,
    overrun bigint not null,
    constraint usage_day_once unique nulls not distinct (account_id, day, model_id, provider, api_key_id)
);
create index usage_day_by_day on usage_day (day);

-- Every day before this one is added up.
create table usage_day_state (
    is_only boolean primary key default true constraint usage_day_state_only_one check (is_only),
    until date not null
);
insert into usage_day_state (until)
select coalesce(min(settled_at), now()) at time zone 'utc' from usage_call;

-- Calls of the days that are not added up yet, each in the terms of `usage_day`.
create view ledger.usage_line as
    select account_id, (settled_at at time zone 'utc')::date as day, settled_at, model_id, provider, api_key_id,
        1::bigint as calls,
        (usage_source = 'none')::integer::bigint as empty,
        (charge = 0 and finish like 'error%')::integer::bigint as failed,
        input + cached_input + cache_write + cache_write_1h as input,
        output + reasoning as output,
        reasoning, free_tokens, provider_cost, commission, charge, overrun
    from usage_call
    where settled_at >= (select until::timestamp at time zone 'utc' from usage_day_state);

-- All days up to now, for readers who add up: a day may come in several rows.
create view usage_by_day as
    select account_id, day, model_id, provider, api_key_id, calls, empty, failed, input, output, reasoning,
        free_tokens, provider_cost, commission, charge, overrun
    from usage_day
union all
    select account_id, day, model_id, provider, api_key_id, calls, empty, failed, input, output, reasoning,
        free_tokens, provider_cost, commission, charge, overrun
    from ledger.usage_line;

-- Adds up the next day and says which; nothing when each day that ended an hour ago is added up, or another server is at
-- it. A call is of the moment at which its transaction began, and no transaction lasts for an hour.
create function ledger.add_up_day() returns date
language plpgsql set search_path = public, pg_temp as $$
declare
    next_day date;
    its_end timestamptz;
begin
    select until, (until + 1)::timestamp at time zone 'utc' into next_day, its_end from usage_day_state
    where (until + 1)::timestamp at time zone 'utc' < now() - interval '1 hour'
    for update skip locked;
    if not found then
        return null;
    end if;
    insert into usage_day
    select account_id, day, model_id, provider, api_key_id, sum(calls), sum(empty), sum(failed), sum(input), sum(output),
        sum(reasoning), sum(free_tokens), sum(provider_cost), sum(commission), sum(charge), sum(overrun)
    from ledger.usage_line where settled_at < its_end
    group by account_id, day, model_id, provider, api_key_id;
    update usage_day_state set until = next_day + 1;
    return next_day;
end $$;

-- A day that is not what its calls come to, among those that are added up.
alter view ledger.violation rename to violation_of_promise;
create view ledger.violation as
    select invariant, subject, detail from ledger.violation_of_promise
union all
    select 'I8', concat(account_id, ' on ', day), concat(coalesce(d.charge, 0), ' against ', coalesce(c.charge, 0))
    from (
        select account_id, day, sum(calls) as calls, sum(provider_cost) as cost, sum(commission) as commission,
            sum(charge) as charge, sum(overrun) as overrun
        from usage_day group by account_id, day
    ) as d full join (
        select account_id, (settled_at at time zone 'utc')::date as day, count(*) as calls,
            sum(provider_cost) as cost, sum(commission) as commission, sum(charge) as charge, sum(overrun) as overrun
        from usage_call
        where settled_at < (select until::timestamp at time zone 'utc' from usage_day_state)
        group by 1, 2
    ) as c using (account_id, day)
    where (d.calls, d.cost, d.commission, d.charge, d.overrun)
        is distinct from (c.calls, c.cost, c.commission, c.charge, c.overrun);

call ledger.secure();
call ledger.open_door('mercato_runtime', array['ledger.add_up_day']);
