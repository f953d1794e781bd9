-- What auditors read: a contract, so columns are added and never renamed.

create schema audit_v1;

create view audit_v1.wallet as
    select account_id, fund, asset, posted, held, credit_limit, version, encode(chain_head, 'hex') as chain_head
    from wallet;

create view audit_v1.entry as
    select e.tx_id, t.kind, t.idempotency_key, t.actor, t.reason, t.call_id, e.line, e.account, e.asset, e.amount,
        e.account_id, e.fund, e.wallet_version, e.balance_after, encode(e.hash, 'hex') as hash, e.xid, e.created_at
    from ledger_entry e join ledger_tx t using (tx_id);

create view audit_v1.hold as
    select call_id, account_id, api_key_id, conversation_id, run_id, model_id, provider, price_id, take_bps, amount,
        promo, free_tokens, state, instance_id, lease_until, progress_input, progress_output, progress_cost,
        progress_commission, opened_at, closed_at
    from hold;

create view audit_v1.call as
    select call_id, account_id, api_key_id, conversation_id, run_id, model_id, provider, price_id, take_bps, input,
        cached_input, cache_write, cache_write_1h, output, reasoning, usage_source, provider_cost, commission, charge,
        overrun, free_tokens, finish, started_at, settled_at
    from usage_call;

create view audit_v1.price as
    select price_id, model_id, provider, terms, free, lower(valid_during) as valid_from, upper(valid_during) as valid_until
    from price;

create view audit_v1.grant_ as
    select grant_id, account_id, fund, amount, remaining, period, reason, expires_at, created_at from grant_;

create view audit_v1.payment as
    select top_up_id, account_id, processor, amount, returned, state, created_at, settled_at from top_up;

create view audit_v1.audit_log as
    select audit_event_id, at, actor, action, subject, reason, detail from audit_event;

do $$
declare
    name text;
begin
    for name in select format('audit_v1.%I', viewname) from pg_views where schemaname = 'audit_v1' loop
        execute format('alter view %s set (security_invoker = true)', name);
        execute format('alter view %s owner to mercato_owner', name);
        execute format('grant select on %s to mercato_auditor, mercato_admin', name);
    end loop;
end $$;
grant usage on schema audit_v1 to mercato_auditor, mercato_admin;
