-- The rounding itself is done where the charge is made.
alter table usage_call drop constraint if exists usage_call_commission_exact;
