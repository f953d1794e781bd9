\set account random(1, :accounts)
with set_aside as (
    update raw.account set held = held + 30 where account_id = :account and balance - held >= 30
    returning account_id
)
insert into raw.hold (account_id, amount) select account_id, 30 from set_aside;
