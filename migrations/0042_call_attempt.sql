-- A call may be asked of a second vendor when the first one failed before anything of its answer was handed on.

-- What vendors were asked for one call. A call whose first vendor answered has no rows here: `usage_call` says it all, and
-- the view below puts both together.
create table call_attempt (
    call_id uuid not null references hold,
    number smallint not null constraint call_attempt_at_most_two check (number in (1, 2)),
    account_id uuid not null references account,
    model_id text not null,
    provider text not null,
    price_id uuid not null references price,
    began_at timestamptz not null,
    ended_at timestamptz,
    -- `answered`, `stopped` or the kind of failure; unknown while it runs, and for ever if its server died.
    outcome text,
    primary key (call_id, number),
    constraint call_attempt_ends_with_an_outcome check ((ended_at is null) = (outcome is null))
);
create index call_attempt_by_account on call_attempt (account_id);

create view attempt as
    select call_id, account_id, number, model_id, provider, began_at, ended_at, outcome from call_attempt
union all
    select call_id, account_id, 1::smallint, model_id, provider, started_at, settled_at,
        case when usage_source = 'none' then finish else 'answered' end
    from usage_call u where not exists (select from call_attempt a where a.call_id = u.call_id);

-- Hands an open call to another vendor at that vendor's price, and writes down what came of the first. The amount held
-- stays as it is: it was made to cover either. False when the call is closed or no longer this server's, when something
-- of it has arrived, when it had its second vendor already, or when that price was not in force as it began.
create function ledger.reroute(
    p_call_id uuid, p_instance_id uuid, p_model_id text, p_provider text, p_price_id uuid,
    p_began_at timestamptz, p_outcome text
) returns boolean
language plpgsql set search_path = public, pg_temp as $$
declare
    before hold;
begin
    select * into before from hold h
    where h.call_id = p_call_id and h.instance_id = p_instance_id and h.state = 'open' and h.progress_output = 0
    for update;
    if not found
        or (before.provider, before.model_id) = (p_provider, p_model_id)
        or exists (select from call_attempt a where a.call_id = p_call_id)
        or not exists (
            select from price p where p.price_id = p_price_id and p.model_id = p_model_id and p.provider = p_provider
                and p.valid_during @> before.opened_at
        )
    then
        return false;
    end if;
    update hold set model_id = p_model_id, provider = p_provider, price_id = p_price_id where call_id = p_call_id;
    insert into call_attempt (call_id, number, account_id, model_id, provider, price_id, began_at, ended_at, outcome)
    values (p_call_id, 1, before.account_id, before.model_id, before.provider, before.price_id, p_began_at,
            clock_timestamp(), p_outcome),
        (p_call_id, 2, before.account_id, p_model_id, p_provider, p_price_id, clock_timestamp(), null, null);
    return true;
end $$;

-- Writes down what came of the attempt that was the last: the second, or a first that failed.
create function ledger.note_attempt(p_call_id uuid, p_number integer, p_began_at timestamptz, p_outcome text) returns void
language sql set search_path = public, pg_temp as $$
    insert into call_attempt (call_id, number, account_id, model_id, provider, price_id, began_at, ended_at, outcome)
    select call_id, p_number, account_id, model_id, provider, price_id, p_began_at, clock_timestamp(), p_outcome
    from hold where call_id = p_call_id
    on conflict (call_id, number) do update set ended_at = excluded.ended_at, outcome = excluded.outcome
    where call_attempt.outcome is null
$$;

call ledger.secure();
call ledger.open_door('mercato_runtime', array['ledger.reroute', 'ledger.note_attempt']);
