-- The invariants of the books as one view: a row is a violation, no rows mean that the books balance.

create view ledger.violation as
    select 'I1' as invariant, asset as subject, sum(amount)::text as detail
    from ledger_entry group by asset having sum(amount) <> 0
union all
    select 'I2', tx_id::text, concat(asset, ' ', sum(amount), ' in ', count(*), ' entries')
    from ledger_entry group by tx_id, asset having sum(amount) <> 0 or count(*) < 2
union all
    select 'I3', concat(w.account_id, ':', w.fund), concat(w.posted, ' against ', coalesce(sum(e.amount), 0))
    from wallet w left join ledger_entry e using (account_id, fund)
    group by w.account_id, w.fund having w.posted <> coalesce(sum(e.amount), 0)
union all
    select 'I4', concat(w.account_id, ':', w.fund), concat(w.held, ' against ', coalesce(sum(p.amount), 0))
    from wallet w
        left join hold h on h.account_id = w.account_id and h.state = 'open'
        left join hold_part p on p.call_id = h.call_id and p.fund = w.fund
    group by w.account_id, w.fund having w.held <> coalesce(sum(p.amount), 0)
union all
    select 'I5', concat(account_id, ':', fund), (posted - held)::text
    from wallet where posted - held < -credit_limit
union all
    select 'I6', concat(account_id, ':', fund), concat('version ', wallet_version)
    from (
        select account_id, fund, wallet_version, balance_after, amount,
            lag(balance_after, 1, 0::bigint) over chain as balance_before,
            row_number() over chain as expected_version
        from ledger_entry where account_id is not null
        window chain as (partition by account_id, fund order by wallet_version)
    ) as numbered
    where wallet_version <> expected_version or balance_after <> balance_before + amount
union all
    select 'I7', h.call_id::text, h.state
    from hold h
        left join ledger_tx t on t.kind = 'usage' and t.idempotency_key = h.call_id::text
    where (h.state = 'captured') <> (t.tx_id is not null)
union all
    select 'I8', u.call_id::text, concat(u.charge, ' against ', coalesce(-sum(e.amount), 0))
    from usage_call u
        left join ledger_tx t on t.kind = 'usage' and t.idempotency_key = u.call_id::text
        left join ledger_entry e on e.tx_id = t.tx_id and (e.account_id is not null or e.account = 'platform:overrun')
    group by u.call_id, u.charge having u.charge <> coalesce(-sum(e.amount), 0)
union all
    select 'I9', call_id::text, concat('lease ended ', lease_until)
    from hold where state = 'open' and lease_until < now() - interval '60 seconds'
union all
    select 'I10', u.call_id::text, u.price_id::text
    from usage_call u join price p using (price_id)
    where u.charge > 0 and not p.valid_during @> u.started_at
union all
    select 'I11', concat(account_id, ':', fund), concat('version ', wallet_version, ' does not follow from the one before')
    from (
        select account_id, fund, wallet_version, hash,
            sha256(lag(hash, 1, ''::bytea) over chain || convert_to(
                concat_ws('|', tx_id, line, account_id, fund, asset, amount, wallet_version, balance_after), 'UTF8'
            )) as expected_hash
        from ledger_entry where account_id is not null
        window chain as (partition by account_id, fund order by wallet_version)
    ) as linked
    where hash <> expected_hash
union all
    select 'I11', concat(w.account_id, ':', w.fund), concat('the head is not entry ', w.version)
    from wallet w left join ledger_entry e
        on e.account_id = w.account_id and e.fund = w.fund and e.wallet_version = w.version
    where w.chain_head <> coalesce(e.hash, ''::bytea)
union all
    select 'I12', account_id::text, concat(count(*), ' credits for ', idempotency_key)
    from ledger_tx where kind = 'top_up'
    group by account_id, idempotency_key having count(*) > 1;
