select pg_temp.edit('ledger.checkpoint',
    'where h.call_id = p.call_id and h.closed_at is null and h.instance_id = p_instance_id',
    'where h.call_id = p.call_id');
