-- Everything else that moves money: payments and their return, grants, adjustments and plan fees. One transaction each,
-- with a key of its own, so that repeating it changes nothing.

drop function ledger.record_payment(text, text, uuid, text, bigint);
alter table payment_event drop constraint payment_event_kind_once;
-- A payment is made once; parts of it may go back several times.
create unique index payment_event_paid_once on payment_event (processor, payment_id) where kind = 'paid';

create function ledger.order_top_up(p_top_up_id uuid, p_account_id uuid, p_processor text, p_amount bigint)
returns timestamptz
language sql set search_path = public, pg_temp as $$
    insert into top_up (top_up_id, account_id, processor, amount)
    values (p_top_up_id, p_account_id, p_processor, p_amount) returning created_at
$$;

-- Takes money back that a processor returned to the payer. What was spent already becomes a debt, and the account is
-- frozen until that is settled.
create function ledger.return_payment(p_ordered top_up, p_kind text, p_amount bigint) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
    there bigint;
    tx uuid;
begin
    select greatest(posted - held, 0) into strict there
    from wallet where account_id = p_ordered.account_id and fund = 'paid' for update;
    there := least(there, p_amount);
    insert into ledger_tx (kind, idempotency_key, account_id, actor)
    values (p_kind, format('%s:%s:%s', p_ordered.processor, p_ordered.top_up_id, p_ordered.returned + p_amount),
        p_ordered.account_id, 'processor:' || p_ordered.processor)
    returning tx_id into tx;
    if there > 0 then
        perform ledger.post_to_wallet(tx, 1::smallint, p_ordered.account_id, 'paid', -there, 0);
    end if;
    insert into ledger_entry (tx_id, line, account, asset, amount)
    values (tx, 2, 'cash:' || p_ordered.processor, 'USD', p_amount);
    if p_amount > there then
        insert into ledger_entry (tx_id, line, account, asset, amount)
        values (tx, 3, format('user:%s:debt', p_ordered.account_id), 'USD', there - p_amount);
        update account set frozen_at = coalesce(frozen_at, now()) where account_id = p_ordered.account_id;
    end if;
    update top_up set returned = returned + p_amount, state = p_kind where top_up_id = p_ordered.top_up_id;
end $$;

-- Acts on a verified payment event. The amount must be the one that was ordered; for money that went back it is the
-- sum returned so far, so repeated and reordered events come to the same end.
create function ledger.record_payment(
    p_processor text, p_event_id text, p_top_up_id uuid, p_kind text, p_amount bigint
) returns text
language plpgsql set search_path = public, pg_temp as $$
declare
    ordered top_up;
    tx uuid;
    early bigint;
begin
    select * into ordered from top_up where top_up_id = p_top_up_id and processor = p_processor for update;
    if not found then
        return 'unknown';
    end if;
    if p_kind not in ('paid', 'declined', 'refunded', 'charged_back') or p_amount <= 0
        or (p_kind in ('paid', 'declined') and ordered.amount <> p_amount) or p_amount > ordered.amount
    then
        return 'mismatch';
    end if;
    insert into payment_event (processor, event_id, payment_id, kind)
    values (p_processor, p_event_id, p_top_up_id, p_kind) on conflict do nothing;
    if not found then
        return 'duplicate';
    end if;
    if p_kind in ('refunded', 'charged_back') then
        if ordered.returned >= p_amount then
            return 'duplicate';
        elsif ordered.state in ('pending', 'declined') then
            -- The news of the payment itself is still on its way.
            update top_up set returned = p_amount where top_up_id = p_top_up_id;
            return 'noted';
        end if;
        perform ledger.return_payment(ordered, p_kind, p_amount - ordered.returned);
        return 'returned';
    end if;
    if ordered.state not in ('pending', 'declined') then
        return 'duplicate';
    end if;
    update top_up set state = p_kind, settled_at = now() where top_up_id = p_top_up_id;
    if p_kind = 'declined' then
        return 'declined';
    end if;
    insert into ledger_tx (kind, idempotency_key, account_id, actor)
    values ('top_up', p_processor || ':' || p_top_up_id, ordered.account_id, 'processor:' || p_processor)
    returning tx_id into tx;
    perform ledger.post_to_wallet(tx, 1::smallint, ordered.account_id, 'paid', p_amount, 0);
    insert into ledger_entry (tx_id, line, account, asset, amount)
    values (tx, 2, 'cash:' || p_processor, 'USD', -p_amount);
    if ordered.returned > 0 then
        early := ordered.returned;
        update top_up set returned = 0 where top_up_id = p_top_up_id;
        ordered.returned := 0;
        perform ledger.return_payment(ordered, 'refunded', early);
    end if;
    return 'credited';
end $$;

-- Gives promotional money that runs out. The same key gives it once.
create function ledger.give_promo(
    p_grant_id uuid, p_account_id uuid, p_amount bigint, p_expires_at timestamptz, p_reason text, p_actor text
) returns boolean
language plpgsql set search_path = public, pg_temp as $$
declare
    tx uuid;
begin
    perform from wallet where account_id = p_account_id and fund = 'paid' for update;
    insert into ledger_tx (kind, idempotency_key, account_id, actor, reason)
    values ('grant', p_grant_id::text, p_account_id, p_actor, p_reason)
    on conflict do nothing returning tx_id into tx;
    if tx is null then
        return false;
    end if;
    insert into grant_ (grant_id, account_id, fund, amount, remaining, reason, expires_at)
    values (p_grant_id, p_account_id, 'promo', p_amount, p_amount, p_reason, p_expires_at);
    perform ledger.post_to_wallet(tx, 1::smallint, p_account_id, 'promo', p_amount, 0);
    insert into ledger_entry (tx_id, line, account, asset, amount)
    values (tx, 2, 'platform:promo_expense', 'USD', -p_amount);
    return true;
end $$;

-- Takes back what is left of grants that have run out, of every account. Returns how many accounts were touched.
create function ledger.sweep_grants(p_limit integer) returns bigint
language plpgsql set search_path = public, pg_temp as $$
declare
    due uuid;
    swept bigint := 0;
begin
    for due in
        select distinct account_id from grant_
        where fund = 'promo' and remaining > 0 and expires_at <= now() order by account_id limit p_limit
    loop
        perform from wallet where account_id = due and fund = 'paid' for update;
        perform ledger.expire_grants(due);
        swept := swept + 1;
    end loop;
    return swept;
end $$;

-- What one operator may change alone, in nano-dollars: 500 USD.
create function ledger.adjustment_alone_max() returns bigint
language sql immutable set search_path = public, pg_temp
return 500000000000;

create function ledger.post_adjustment(p_adjustment adjustment) returns text
language plpgsql set search_path = public, pg_temp as $$
declare
    room bigint;
    tx uuid;
begin
    select posted - held + credit_limit into strict room
    from wallet where account_id = p_adjustment.account_id and fund = 'paid' for update;
    if room + p_adjustment.amount < 0 then
        return 'balance';
    end if;
    insert into ledger_tx (kind, idempotency_key, account_id, actor, reason)
    values ('adjustment', p_adjustment.adjustment_id::text, p_adjustment.account_id,
        'user:' || coalesce(p_adjustment.decided_by, p_adjustment.proposed_by), p_adjustment.reason)
    returning tx_id into tx;
    perform ledger.post_to_wallet(tx, 1::smallint, p_adjustment.account_id, 'paid', p_adjustment.amount, 0);
    insert into ledger_entry (tx_id, line, account, asset, amount)
    values (tx, 2, 'platform:adjustment', 'USD', -p_adjustment.amount);
    return 'posted';
end $$;

-- Changes a balance by hand: at once when it is small, else when a second operator agrees.
create function ledger.propose_adjustment(
    p_adjustment_id uuid, p_account_id uuid, p_amount bigint, p_reason text, p_operator uuid
) returns text
language plpgsql set search_path = public, pg_temp as $$
declare
    made adjustment;
    outcome text;
begin
    if p_account_id = p_operator then
        return 'own_account';
    end if;
    if not exists (select from account where account_id = p_account_id) then
        return 'unknown';
    end if;
    insert into adjustment (adjustment_id, account_id, amount, reason, proposed_by)
    values (p_adjustment_id, p_account_id, p_amount, p_reason, p_operator)
    on conflict do nothing returning * into made;
    if not found then
        return 'duplicate';
    end if;
    if abs(p_amount) > ledger.adjustment_alone_max() then
        return 'proposed';
    end if;
    outcome := ledger.post_adjustment(made);
    update adjustment set state = case outcome when 'posted' then 'posted' else 'rejected' end, decided_at = now()
    where adjustment_id = p_adjustment_id;
    return outcome;
end $$;

-- Agrees to an adjustment that somebody else proposed, or turns it down.
create function ledger.decide_adjustment(p_adjustment_id uuid, p_operator uuid, p_decision text) returns text
language plpgsql set search_path = public, pg_temp as $$
declare
    waiting adjustment;
    outcome text;
begin
    select * into waiting from adjustment where adjustment_id = p_adjustment_id for update;
    if not found then
        return 'unknown';
    elsif waiting.state <> 'proposed' then
        return 'decided';
    elsif p_decision = 'reject' then
        update adjustment set state = 'rejected', decided_by = p_operator, decided_at = now()
        where adjustment_id = p_adjustment_id;
        return 'rejected';
    elsif waiting.proposed_by = p_operator then
        return 'second_needed';
    elsif waiting.account_id = p_operator then
        return 'own_account';
    end if;
    waiting.decided_by := p_operator;
    outcome := ledger.post_adjustment(waiting);
    if outcome = 'posted' then
        update adjustment set state = 'posted', decided_by = p_operator, decided_at = now()
        where adjustment_id = p_adjustment_id;
    end if;
    return outcome;
end $$;

-- Takes a plan's fee for one period. The account must be locked. False when the balance does not cover it.
create function ledger.charge_plan(p_subscription subscription, p_fee bigint) returns boolean
language plpgsql set search_path = public, pg_temp as $$
declare
    room bigint;
    tx uuid;
begin
    if p_fee = 0 then
        return true;
    end if;
    select posted - held + credit_limit into strict room
    from wallet where account_id = p_subscription.account_id and fund = 'paid' for update;
    if room < p_fee then
        return false;
    end if;
    insert into ledger_tx (kind, idempotency_key, account_id, actor, reason)
    values ('subscription', format('%s:%s', p_subscription.subscription_id,
            to_char(p_subscription.paid_until at time zone 'utc', 'YYYY-MM-DD')),
        p_subscription.account_id, 'system', p_subscription.plan)
    returning tx_id into tx;
    perform ledger.post_to_wallet(tx, 1::smallint, p_subscription.account_id, 'paid', -p_fee, 0);
    insert into ledger_entry (tx_id, line, account, asset, amount)
    values (tx, 2, 'platform:subscription', 'USD', p_fee);
    return true;
end $$;

-- Changes the plan: a dearer one begins and is paid at once, the free one when what was paid for has run out.
create function ledger.subscribe(p_subscription_id uuid, p_account_id uuid, p_plan text) returns text
language plpgsql set search_path = public, pg_temp as $$
declare
    wanted plan;
    running subscription;
    made subscription;
begin
    select * into wanted from plan where plan.plan = p_plan;
    if not found or p_plan = 'enterprise' then
        return 'unknown';
    end if;
    perform from wallet where account_id = p_account_id and fund = 'paid' for update;
    select * into running from subscription where account_id = p_account_id and ended_at is null for update;
    if running.plan = p_plan then
        update subscription set cancelled_at = null where subscription_id = running.subscription_id;
        return 'running';
    elsif wanted.fee = 0 then
        update subscription set cancelled_at = coalesce(cancelled_at, now())
        where subscription_id = running.subscription_id;
        return case when running.subscription_id is null then 'running' else 'ending' end;
    end if;
    made := row(p_subscription_id, p_account_id, p_plan, now(), now() + interval '1 month', null, null);
    if not ledger.charge_plan(made, wanted.fee) then
        return 'balance';
    end if;
    update subscription set ended_at = now() where subscription_id = running.subscription_id;
    insert into subscription select made.*;
    update account set plan = p_plan where account_id = p_account_id;
    return 'begun';
end $$;

-- Renews what has run out, or lets it end where it was cancelled or cannot be paid.
create function ledger.renew_subscriptions(p_limit integer) returns bigint
language plpgsql set search_path = public, pg_temp as $$
declare
    owner uuid;
    due subscription;
    renewed bigint := 0;
begin
    for owner in
        select account_id from subscription where ended_at is null and paid_until <= now()
        order by account_id limit p_limit
    loop
        perform from wallet where account_id = owner and fund = 'paid' for update;
        select * into due from subscription
        where account_id = owner and ended_at is null and paid_until <= now() for update;
        continue when not found;
        due.paid_until := due.paid_until + interval '1 month';
        if due.cancelled_at is null
            and ledger.charge_plan(due, (select fee from plan where plan.plan = due.plan))
        then
            update subscription set paid_until = due.paid_until where subscription_id = due.subscription_id;
        else
            update subscription set ended_at = now() where subscription_id = due.subscription_id;
            update account set plan = 'free' where account_id = due.account_id;
        end if;
        renewed := renewed + 1;
    end loop;
    return renewed;
end $$;

-- Sets, changes or (with null) takes away a limit on spending. It cannot be set below what is spent and held already.
create function ledger.set_budget(
    p_account_id uuid, p_scope text, p_subject text, p_limit bigint, p_resets text
) returns text
language plpgsql set search_path = public, pg_temp as $$
declare
    there budget;
begin
    perform from wallet where account_id = p_account_id and fund = 'paid' for update;
    select * into there from budget
    where account_id = p_account_id and scope = p_scope and subject = p_subject for update;
    if p_limit is null then
        -- Open calls count against it until they close.
        if there.held_nanos > 0 then
            return 'in_use';
        end if;
        delete from budget where budget_id = there.budget_id;
        return 'removed';
    end if;
    if p_limit < there.spent_nanos + there.held_nanos then
        return 'below_spent';
    end if;
    insert into budget (account_id, scope, subject, limit_nanos, resets)
    values (p_account_id, p_scope, p_subject, p_limit, p_resets)
    on conflict on constraint budget_subject_unique
    do update set limit_nanos = excluded.limit_nanos, resets = excluded.resets;
    return 'set';
end $$;
