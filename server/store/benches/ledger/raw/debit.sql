\set account random(1, :accounts)
with debited as (
    update raw.account set balance = balance - 10 where account_id = :account and balance - held >= 10
    returning account_id, balance
)
insert into raw.entry (account_id, amount, balance_after) select account_id, -10, balance from debited;
