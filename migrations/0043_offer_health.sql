-- How well offers answer: attempts at vendors, added up by the minute and later by the hour. Nothing of who asked.

-- Adds two lists of counts, place by place.
create function ledger.add_counts(p_one integer[], p_other integer[]) returns integer[]
language sql immutable parallel safe set search_path = public, pg_temp
return (select array_agg(one + other order by place) from unnest(p_one, p_other) with ordinality as c (one, other, place));

create table offer_minute (
    model_id text not null,
    provider text not null,
    -- When it begins, in UTC. After two days a row stands for the whole hour that begins then.
    minute timestamptz not null constraint offer_minute_whole check (minute = date_trunc('minute', minute, 'UTC')),
    -- Attempts that speak for or against the vendor, and those of them that speak against it.
    attempts integer not null,
    failures integer not null,
    -- Sums over the attempts of which it is known; how many these are is the sum of their counts.
    first_token_micros bigint not null constraint offer_minute_first_token_positive check (first_token_micros >= 0),
    written_tokens bigint not null constraint offer_minute_tokens_positive check (written_tokens >= 0),
    written_micros bigint not null constraint offer_minute_written_positive check (written_micros >= 0),
    -- Counts by size: see `Histogram` in `src/health/histogram.rs`.
    first_token_counts integer[] not null,
    speed_counts integer[] not null,
    constraint offer_minute_key primary key (model_id, provider, minute),
    constraint offer_minute_failures_attempted check (failures between 0 and attempts),
    constraint offer_minute_one_scale check (cardinality(first_token_counts) = 42 and cardinality(speed_counts) = 42)
);
create index offer_minute_by_time on offer_minute (minute);

-- Adds what one server has seen to what others have.
create function ledger.note_offer_minute(
    p_model_id text, p_provider text, p_minute timestamptz, p_attempts integer, p_failures integer,
    p_first_token_micros bigint, p_written_tokens bigint, p_written_micros bigint,
    p_first_token_counts integer[], p_speed_counts integer[]
) returns void
language sql set search_path = public, pg_temp
begin atomic
    insert into offer_minute as o (
        model_id, provider, minute, attempts, failures, first_token_micros, written_tokens, written_micros,
        first_token_counts, speed_counts
    ) values (
        p_model_id, p_provider, p_minute, p_attempts, p_failures, p_first_token_micros, p_written_tokens,
        p_written_micros, p_first_token_counts, p_speed_counts
    )
    on conflict on constraint offer_minute_key do update set
        attempts = o.attempts + excluded.attempts,
        failures = o.failures + excluded.failures,
        first_token_micros = o.first_token_micros + excluded.first_token_micros,
        written_tokens = o.written_tokens + excluded.written_tokens,
        written_micros = o.written_micros + excluded.written_micros,
        first_token_counts = ledger.add_counts(o.first_token_counts, excluded.first_token_counts),
        speed_counts = ledger.add_counts(o.speed_counts, excluded.speed_counts);
end;

-- Adds minutes that are two days old to their hours, and forgets hours of more than ninety days ago.
create function ledger.fold_offer_minutes(out folded bigint, out forgotten bigint)
language plpgsql set search_path = public, pg_temp as $$
declare
    old offer_minute;
begin
    folded := 0;
    forgotten := 0;
    -- One server is enough.
    if not pg_try_advisory_xact_lock(hashtextextended('ledger.fold_offer_minutes', 0)) then
        return;
    end if;
    delete from offer_minute where minute < now() - interval '90 days';
    get diagnostics forgotten = row_count;
    for old in
        delete from offer_minute
        where minute < date_trunc('hour', now() - interval '48 hours', 'UTC')
            and minute <> date_trunc('hour', minute, 'UTC')
        returning *
    loop
        perform ledger.note_offer_minute(
            old.model_id, old.provider, date_trunc('hour', old.minute, 'UTC'), old.attempts, old.failures,
            old.first_token_micros, old.written_tokens, old.written_micros, old.first_token_counts, old.speed_counts
        );
        folded := folded + 1;
    end loop;
end $$;

call ledger.secure();
call ledger.open_door('mercato_runtime', array['ledger.note_offer_minute', 'ledger.fold_offer_minutes']);
