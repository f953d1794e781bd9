\set account random(1, :accounts)
with set_aside as (
    update raw.account set held = held + 30 where account_id = :account and balance - held >= 30
    returning account_id
)
insert into raw.hold (account_id, amount) select account_id, 30 from set_aside returning hold_id \gset
with closed as (
    update raw.hold set state = 'captured' where hold_id = :hold_id and state = 'open' returning account_id, amount
), debited as (
    update raw.account a set held = a.held - c.amount, balance = a.balance - 10
    from closed c where a.account_id = c.account_id
    returning a.account_id, a.balance
)
insert into raw.entry (account_id, amount, balance_after) select account_id, -10, balance from debited;
