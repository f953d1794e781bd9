-- Money set aside before a call comes. Whoever calls again and again is asked for the same each time: the hold for the next
-- call is made when one has ended, and the next takes it without asking. It is a hold like any other, so that balance, key
-- and budgets know of it; it is only not known yet whether a call will come.

-- Whether it may still be put back: until the first checkpoint of its call, or its end.
alter table hold add column set_aside boolean not null default false;
-- The most that the call of a hold can cost, once that is written down; what is held beyond it is the call's no more when it
-- ends: then `amount` is that most.
alter table hold add column most bigint, add column surplus bigint not null default 0;

create function pg_temp.edit(p_function regproc, p_edits text[]) returns void
language plpgsql as $$
declare
    definition text := pg_get_functiondef(p_function);
    before regprocedure := p_function::oid;
    pair text[];
begin
    foreach pair slice 1 in array p_edits loop
        if position(pair[1] in definition) = 0 then
            raise exception '% is not what it used to be: %', p_function, pair[1];
        end if;
        definition := replace(definition, pair[1], pair[2]);
    end loop;
    execute definition;
    -- What takes more than before is another function; servers that do not know of it yet call it as before.
    if (select count(*) from pg_proc same join pg_proc old using (pronamespace, proname) where old.oid = before) > 1 then
        execute 'drop function ' || before;
    end if;
end $$;

select pg_temp.edit('ledger.reserve', array[
    ['p_lease_seconds integer, OUT', 'p_lease_seconds integer, p_set_aside boolean DEFAULT false, OUT'],
    -- Free tokens are spent before money, and grants run out, so neither is set aside, nor money in place of them.
    ['        if free.posted - free.held >= p_free_least then', '        if free.posted - free.held >= p_free_least then
            if p_set_aside then
                outcome := ''balance'';
                return;
            end if;'],
    ['        outcome := ''held'';
        amount := least(', '        if p_set_aside and promo > 0 then
            outcome := ''balance'';
            return;
        end if;
        outcome := ''held'';
        amount := least('],
    ['budget_ids, instance_id, lease_until)', 'budget_ids, instance_id, lease_until, set_aside)'],
    ['now() + make_interval(secs => p_lease_seconds));', 'now() + make_interval(secs => p_lease_seconds), p_set_aside);']
]);
select pg_temp.edit('ledger.reserve_many', array[
    ['p_lease_seconds integer)', 'p_lease_seconds integer, p_set_asides boolean[] DEFAULT NULL)'],
    ['p_wants, p_free_wants, p_instance_ids)', 'p_wants, p_free_wants, p_instance_ids, p_set_asides)'],
    ['want, free_want, instance_id)', 'want, free_want, instance_id, set_aside)'],
    ['instance_id, lease_until)', 'instance_id, lease_until, set_aside)'],
    ['now() + make_interval(secs => p_lease_seconds)
                from plain', 'now() + make_interval(secs => p_lease_seconds), coalesce(set_aside, false)
                from plain'],
    ['                p_instance_ids)', '                p_instance_ids, p_set_asides)'],
    ['free_want, free_least, instance_id)', 'free_want, free_least, instance_id, set_aside)'],
    ['p.instance_id, p_lease_seconds)', 'p.instance_id, p_lease_seconds, coalesce(p.set_aside, false))']
]);

-- A call that takes such a hold may cost less at most than it holds, and began later: as long as it had waited, if its price
-- was still in force then. That is written out in both, for a function of it would be planned for every call.
select pg_temp.edit('ledger.capture', array[
    ['p_finish text, OUT', 'p_finish text, p_most bigint DEFAULT NULL, p_waited_us bigint DEFAULT NULL, OUT'],
    ['closed_at = now(), closed_xid = pg_current_xact_id()', 'closed_at = now(), closed_xid = pg_current_xact_id(),
        amount = least(hold.amount, p_most), surplus = hold.amount - least(hold.amount, p_most)'],
    ['held = held + h.promo - h.amount', 'held = held + h.promo - h.amount - h.surplus'],
    ['and fund = ''paid'' and h.amount > h.promo', 'and fund = ''paid'' and h.amount + h.surplus > h.promo'],
    ['held_nanos = held_nanos - h.amount', 'held_nanos = held_nanos - h.amount - h.surplus'],
    ['p_finish, h.opened_at)', 'p_finish,
            case when p_waited_us is null then h.opened_at else coalesce((
                select h.opened_at + p_waited_us * interval ''1 microsecond'' from price v
                where v.price_id = h.price_id
                    and v.valid_during @> h.opened_at + p_waited_us * interval ''1 microsecond''
            ), h.opened_at) end)']
]);
select pg_temp.edit('ledger.capture_many', array[
    ['p_finishes text[])', 'p_finishes text[], p_mosts bigint[] DEFAULT NULL, p_waits_us bigint[] DEFAULT NULL)'],
    ['p_commissions[1], p_finishes[1])', 'p_commissions[1], p_finishes[1], p_mosts[1], p_waits_us[1])'],
    ['least(cost + commission, amount) as paid', 'least(cost + commission, amount, p_mosts[place]) as paid,
                least(amount, p_mosts[place]) as ceiling'],
    ['closed_xid = pg_current_xact_id()
            from used', 'closed_xid = pg_current_xact_id(),
                amount = u.ceiling, surplus = u.amount - u.ceiling
            from used'],
    ['select c.call_id, true, c.paid, c.amount - c.paid', 'select c.call_id, true, c.paid, u.ceiling - c.paid'],
    ['finish, opened_at
            from used', 'finish, case when p_waits_us[place] is null then opened_at else coalesce((
                    select opened_at + p_waits_us[place] * interval ''1 microsecond'' from price v
                    where v.price_id = used.price_id
                        and v.valid_during @> opened_at + p_waits_us[place] * interval ''1 microsecond''
                ), opened_at) end
            from used'],
    ['p_commissions[place], p_finishes[place])', 'p_commissions[place], p_finishes[place], p_mosts[place], p_waits_us[place])']
]);
select pg_temp.edit('ledger.checkpoint', array[
    ['p_commissions bigint[])', 'p_commissions bigint[], p_mosts bigint[] DEFAULT NULL)'],
    ['p_costs, p_commissions)', 'p_costs, p_commissions, p_mosts)'],
    ['output, cost, commission) join', 'output, cost, commission, most) join'],
    ['lease_until = greatest(', 'set_aside = false, most = coalesce(p.most, h.most), lease_until = greatest(']
]);
-- Undoes what was set aside for calls that did not come, which only who set it aside can know: it leaves no trace, for
-- nothing has happened.
create function ledger.put_back(p_call_ids uuid[]) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
    unused hold;
begin
    for unused in
        select * from hold h where h.call_id = any (p_call_ids) and h.closed_at is null and h.set_aside
        order by h.account_id, h.call_id for update
    loop
        update wallet set held = held - unused.amount where account_id = unused.account_id and fund = 'paid';
        update api_key set held_nanos = held_nanos - unused.amount where api_key_id = unused.api_key_id;
        update budget set held_nanos = held_nanos - unused.amount where budget_id = any (unused.budget_ids);
        delete from hold where call_id = unused.call_id;
    end loop;
end $$;

-- Whether something of an account is set aside that may yet be put back.
create function ledger.has_set_aside(p_account_id uuid) returns boolean
language sql stable set search_path = public, pg_temp
return exists (select from public.hold h where h.account_id = p_account_id and h.state = 'open' and h.set_aside);

-- What a dead server had set aside is closed like any other: it may have made a call of it, which must be in the books.
select pg_temp.edit('ledger.reap', array[
    ['''interrupted'')', '''interrupted'', gone.most)']
]);
-- Refused without a lock is only who would not be helped by what is put back.
select pg_temp.edit('ledger.list_short', array[
    ['        -- Limits are told before the balance.', '        and (paid.held = 0 or not ledger.has_set_aside(p.account_id))
        -- Limits are told before the balance.']
]);
-- Sealed with the rest of a hold, where there is anything to seal: what was sealed before stays as it is.
select pg_temp.edit('ledger.leaves', array[
    ['progress_commission, opened_at, closed_at)', 'progress_commission, opened_at, closed_at)
            || case when set_aside or most is not null or surplus <> 0
                then jsonb_build_array(set_aside, most, surplus) else ''[]'' end']
]);
drop function pg_temp.edit;

call ledger.secure();
call ledger.open_door('mercato_runtime', array[
    'ledger.reserve', 'ledger.reserve_many', 'ledger.capture', 'ledger.capture_many', 'ledger.checkpoint',
    'ledger.put_back', 'ledger.has_set_aside', 'ledger.reap', 'ledger.list_short'
]);
