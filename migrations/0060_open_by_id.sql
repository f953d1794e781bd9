-- A call that is still open was looked for among all open ones, since the planner takes that index for the smallest: it
-- grows with every call that ends until the next vacuum. `closed_at is null` says the same (`hold_closed_when_not_open`)
-- without that index. What else it fits is read by bitmap, which the connections that a call uses may not.

create function pg_temp.edit(p_function regproc, p_before text, p_after text) returns void
language plpgsql as $$
declare
    definition text := pg_get_functiondef(p_function);
begin
    if position(p_before in definition) = 0 then
        raise exception '% is not what it used to be', p_function;
    end if;
    execute replace(definition, p_before, p_after);
end $$;

-- The transaction is noted in the same breath, as in a group: no trigger is needed for it.
select pg_temp.edit('ledger.capture', 'closed_at = now()
    where hold.call_id = p_call_id and state = ''open'' returning',
    'closed_at = now(), closed_xid = pg_current_xact_id()
    where hold.call_id = p_call_id and closed_at is null returning');
select pg_temp.edit('ledger.capture_many', 'where h.state = ''open'' order by', 'where h.closed_at is null order by');
select pg_temp.edit('ledger.checkpoint', 'h.state = ''open''', 'h.closed_at is null');
select pg_temp.edit('ledger.reroute', 'h.state = ''open''', 'h.closed_at is null');
select pg_temp.edit('ledger.claim_key', 'h.state = ''open''', 'h.closed_at is null');
select pg_temp.edit('ledger.forget_keys', 'h.state = ''open''', 'h.closed_at is null');

-- And a key by itself, not among all keys of its account.
select pg_temp.edit('ledger.reserve', 'where k.api_key_id = p_api_key_id and k.account_id = p_account_id and',
    'where k.api_key_id = p_api_key_id and');
select pg_temp.edit('ledger.reserve', '        if not found then
            outcome := ''no_key''', '        if key.account_id is distinct from p_account_id then
            outcome := ''no_key''');

drop function pg_temp.edit;
