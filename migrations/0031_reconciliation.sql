-- What providers bill beyond what was booked: known from their reports, and paid by the house.

-- The transactions that a report led to; their amounts stand in the ledger alone.
create table report_posting (
    tx_id uuid primary key references ledger_tx,
    provider text not null,
    day date not null,
    model_id text not null
);
create index report_posting_by_report on report_posting (provider, day, model_id);
create trigger report_posting_is_immutable before update or delete on report_posting
for each row execute function ledger.refuse_change();
create trigger report_posting_is_kept before truncate on report_posting
for each statement execute function ledger.refuse_change();

-- The house's losses are few among many entries, and are summed up again and again.
create index ledger_entry_of_losses on ledger_entry (account) include (amount)
where account in ('platform:overrun', 'platform:abort_leak', 'platform:crash_leak');

-- How much of the leaks of a provider's day and model is in the books already.
create function ledger.posted_leaks(
    p_provider text, p_day date, p_model_id text, out aborted bigint, out crashed bigint
)
language sql stable set search_path = public, pg_temp as $$
    select coalesce(-sum(e.amount) filter (where e.account = 'platform:abort_leak'), 0)::bigint,
        coalesce(-sum(e.amount) filter (where e.account = 'platform:crash_leak'), 0)::bigint
    from report_posting p join ledger_entry e using (tx_id)
    where p.provider = p_provider and p.day = p_day and p.model_id = p_model_id
$$;

-- What calls of a provider's day and model were booked at, and how much more it may have billed for those that were
-- broken off: their whole hold, without our commission, less what was booked. A call on free tokens holds those at the
-- dearest rate. One stopped by its caller leaks only where the provider goes on; one whose server died, always.
create function ledger.leak_room(
    p_provider text, p_stops_on_abort boolean, p_day date, p_model_id text,
    out booked bigint, out aborted bigint, out crashed bigint
)
language sql stable set search_path = public, pg_temp as $$
    with that_day as (
        select u.provider_cost, u.finish, greatest(case
            when h.free_tokens > 0 then ceil(h.free_tokens * (
                select max(rate.value::numeric) from jsonb_each(p.terms) as rate
                where jsonb_typeof(rate.value) = 'number'
            ) / 1000000)
            else div(h.amount::numeric * (10000 - h.take_bps), 10000)
        end - u.provider_cost, 0) as room
        from usage_call u join hold h using (call_id) join price p on p.price_id = u.price_id
        where u.settled_at >= p_day::timestamp at time zone 'utc'
            and u.settled_at < (p_day + 1)::timestamp at time zone 'utc'
            and u.provider = p_provider and u.model_id = p_model_id
    )
    select coalesce(sum(provider_cost), 0)::bigint,
        coalesce(sum(room) filter (where finish = 'stopped' and not p_stops_on_abort), 0)::bigint,
        coalesce(sum(room) filter (where finish = 'interrupted'), 0)::bigint
    from that_day
$$;

-- Takes a provider's word for a day and model. What it bills beyond the books is owed to it and lost to aborted calls,
-- then to crashes, as far as these can explain it; the rest stays a difference. A corrected report posts what changed.
create function ledger.record_report(
    p_provider text, p_stops_on_abort boolean, p_day date, p_model_id text, p_amount bigint, p_actor text,
    out outcome text, out abort_leak bigint, out crash_leak bigint
)
language plpgsql set search_path = public, pg_temp as $$
declare
    before bigint;
    room record;
    posted record;
    beyond bigint;
    revision bigint;
    tx uuid;
begin
    -- The row stands for the day and model: nobody else imports them until this is committed.
    insert into provider_report (provider, day, model_id, amount) values (p_provider, p_day, p_model_id, p_amount)
    on conflict (provider, day, model_id) do nothing;
    outcome := case when found then 'new' else 'same' end;
    select amount into strict before from provider_report r
    where r.provider = p_provider and r.day = p_day and r.model_id = p_model_id for update;
    if before <> p_amount then
        outcome := 'corrected';
        update provider_report r set amount = p_amount, imported_at = now()
        where r.provider = p_provider and r.day = p_day and r.model_id = p_model_id;
    end if;
    select * into strict room from ledger.leak_room(p_provider, p_stops_on_abort, p_day, p_model_id);
    select * into strict posted from ledger.posted_leaks(p_provider, p_day, p_model_id);
    beyond := greatest(p_amount - room.booked, 0);
    abort_leak := least(beyond, room.aborted) - posted.aborted;
    crash_leak := least(beyond - least(beyond, room.aborted), room.crashed) - posted.crashed;
    if abort_leak = 0 and crash_leak = 0 then
        return;
    end if;
    -- A report may return to an amount it had before, so the amount alone is no key.
    select count(*) into revision from report_posting p
    where p.provider = p_provider and p.day = p_day and p.model_id = p_model_id;
    insert into ledger_tx (kind, idempotency_key, actor, reason)
    values ('provider_report', concat_ws(':', p_provider, p_day, p_model_id, p_amount, revision), p_actor,
        'billed beyond what was booked')
    returning tx_id into tx;
    insert into ledger_entry (tx_id, line, account, asset, amount)
    select tx, line, account, 'USD', value
    from (values
        (1::smallint, 'provider:' || p_provider || ':payable', abort_leak + crash_leak),
        (2::smallint, 'platform:abort_leak', -abort_leak),
        (3::smallint, 'platform:crash_leak', -crash_leak)
    ) as rows (line, account, value)
    where value <> 0;
    insert into report_posting (tx_id, provider, day, model_id) values (tx, p_provider, p_day, p_model_id);
end $$;

-- Beside each other, by provider, UTC day and model: what is booked as payable and what the provider says we owe.
create function ledger.reconcile(p_from date, p_to date) returns table (
    provider text, day date, model_id text, calls bigint, booked bigint, abort_leak bigint, crash_leak bigint,
    reported bigint, difference bigint, state text
)
language sql stable set search_path = public, pg_temp as $$
    with used as (
        select u.provider, (u.settled_at at time zone 'utc')::date as day, u.model_id,
            sum(u.provider_cost)::bigint as cost, count(*) as calls
        from usage_call u
        where u.provider_cost > 0 and u.settled_at >= p_from::timestamp at time zone 'utc'
            and u.settled_at < (p_to + 1)::timestamp at time zone 'utc'
        group by 1, 2, 3
    ), told as (
        select r.provider, r.day, r.model_id, r.amount, leaks.aborted, leaks.crashed
        from provider_report r, lateral ledger.posted_leaks(r.provider, r.day, r.model_id) as leaks
        where r.day between p_from and p_to
    ), both_sides as (
        select provider, day, model_id, coalesce(u.calls, 0) as calls,
            coalesce(u.cost, 0) + coalesce(t.aborted, 0) + coalesce(t.crashed, 0) as booked,
            coalesce(t.aborted, 0) as abort_leak, coalesce(t.crashed, 0) as crash_leak, t.amount as reported
        from used u full join told t using (provider, day, model_id)
    )
    select b.provider, b.day, b.model_id, b.calls, b.booked, b.abort_leak, b.crash_leak, b.reported,
        b.reported - b.booked,
        case
            when b.reported is null then 'missing'
            -- Half a per cent or a dollar, whichever is reached first.
            when abs(b.reported - b.booked)::numeric > least(1000000000, greatest(b.booked, b.reported)::numeric / 200)
                then 'differs'
            else 'agrees'
        end
    from both_sides b
$$;

drop view ledger.reconciliation;
create view ledger.reconciliation as select * from ledger.reconcile(date '2020-01-01', current_date);

call ledger.secure();
call ledger.open_door('mercato_admin', array['ledger.record_report']);
-- These only compute, for whoever may read what they read.
grant execute on function ledger.reconcile(date, date), ledger.posted_leaks(text, date, text)
    to mercato_admin, mercato_auditor;
