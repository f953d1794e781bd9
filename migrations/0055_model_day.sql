-- What is told to everybody of a day: how many tokens each model was asked for, and nothing of a single account.

-- Written once, when the day is added up, so that whoever reads it reads a few rows and never what accounts did.
create table model_day (
    day date not null,
    -- The place among those that are named; the rest has the last one, and no model.
    place smallint not null constraint model_day_place_positive check (place > 0),
    model_id text,
    -- Whole thousands.
    tokens bigint not null constraint model_day_tokens_thousands check (tokens > 0 and tokens % 1000 = 0),
    primary key (day, place)
);

-- A model is named that five accounts or more have used, for the first fifty of these. What is left over is one row, if five
-- accounts or more have part in it, and untold otherwise.
create function ledger.rank_models(p_day date) returns void
language sql set search_path = public, pg_temp
begin atomic
    with used as (
        select model_id, count(distinct account_id) as accounts, sum(input + output) as tokens
        from usage_day where day = p_day and input + output > 0
        group by model_id
    ), ranked as (
        select model_id, tokens, row_number() over (order by tokens desc, model_id) as place
        from used where accounts >= 5 order by place limit 50
    ), rest as (
        select sum(d.input + d.output) as tokens
        from usage_day d
        where d.day = p_day and d.input + d.output > 0
            and not exists (select from ranked r where r.model_id = d.model_id)
        having count(distinct d.account_id) >= 5
    )
    insert into model_day (day, place, model_id, tokens)
    select p_day, place, model_id, (tokens - tokens % 1000)::bigint from ranked where tokens >= 1000
    union all
    select p_day, 51, null, (tokens - tokens % 1000)::bigint from rest where tokens >= 1000
    on conflict do nothing;
end;

-- Adds up the next day and says which, as before, and ranks its models.
create or replace function ledger.add_up_day() returns date
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
    perform ledger.rank_models(next_day);
    update usage_day_state set until = next_day + 1;
    return next_day;
end $$;

-- The days that were added up before.
select ledger.rank_models(day) from (select distinct day from usage_day) as added order by day;

call ledger.secure();
call ledger.open_door('mercato_runtime', array['ledger.add_up_day']);
