-- The roles that migration 0011 makes, for a server that has not seen it.
do $$
declare
    wanted text;
begin
    foreach wanted in array array['mercato_owner', 'mercato_runtime', 'mercato_admin', 'mercato_auditor'] loop
        if not exists (select from pg_roles where rolname = wanted) then
            execute format('create role %I nologin', wanted);
        end if;
    end loop;
end $$;
