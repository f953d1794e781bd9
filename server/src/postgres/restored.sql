-- What a copy cannot bring along: owners, and a transaction counter past the one its entries were numbered by. Without
-- that, new entries would count as old ones, and checks and seals would pass them over.
select to_regprocedure('ledger.secure()') is not null as has_books \gset
\if :has_books
call ledger.secure();
select greatest((select max(xid) from ledger_entry), (select max(xid) from audit_event),
    (select max(upto_xid) from ledger_block), (select max(upto) from book_check), '0'::xid8) as newest \gset
set synchronous_commit = off;
create procedure pg_temp.pass(newest xid8) language plpgsql as $$
begin
    while pg_current_xact_id() <= newest loop
        commit;
    end loop;
end $$;
call pg_temp.pass(:'newest');
\endif
