select pg_temp.edit('ledger.check_recent', 'pg_snapshot_xmin(', 'pg_snapshot_xmax(');
select pg_temp.edit('ledger.seal_block', 'pg_snapshot_xmin(', 'pg_snapshot_xmax(');
