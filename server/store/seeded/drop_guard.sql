select pg_temp.edit('ledger.reserve', 'if least(tightest, available) < p_least then', 'if tightest < p_least then');
select pg_temp.edit('ledger.reserve', 'amount := least(tightest, available);', 'amount := tightest;');
alter table wallet drop constraint if exists wallet_never_overdrawn;
