-- Replaces words of a function that is there. Words that are no longer found are an error: the bug would be none.
create or replace function pg_temp.edit(p_function regproc, p_old text, p_new text) returns void
language plpgsql as $$
declare
    definition text := pg_get_functiondef(p_function);
begin
    if strpos(definition, p_new) > 0 and (strpos(definition, p_old) = 0 or strpos(p_new, p_old) > 0) then
        return;
    elsif strpos(definition, p_old) = 0 then
        raise exception '% does not say: %', p_function, p_old;
    end if;
    execute replace(definition, p_old, p_new);
end $$;
