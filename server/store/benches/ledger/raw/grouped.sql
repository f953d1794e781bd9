\set first random(1, 10000)
with chosen as (
    select account_id from raw.account
    where account_id in (select (:first + n * 97) % 10000 + 1 from generate_series(0, 99) as n)
    order by account_id for update
), debited as (
    update raw.account a set balance = a.balance - 10
    from chosen c where a.account_id = c.account_id
    returning a.account_id, a.balance
)
insert into raw.entry (account_id, amount, balance_after) select account_id, -10, balance from debited;
