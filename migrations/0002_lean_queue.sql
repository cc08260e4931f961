-- Two queues in one table: what was never put off, in due order, and what was put off, in the order in which it may be
-- tried again. A domain that takes mail slowly then leaves nothing at the head of the queue for each claim to walk over.
-- `not_before` is null for what was never put off.
alter table deliveries alter column not_before drop not null;
update deliveries set not_before = null where not_before = created_at;
drop index deliveries_queue;
create index deliveries_queue on deliveries (bucket, series, priority, due_at, id)
    where state = 'pending' and not_before is null;
create index deliveries_deferred on deliveries (bucket, series, priority, not_before, id)
    where state = 'pending' and not_before is not null;

-- Leases are found by their time alone. With the states in its predicate this index would answer to "is this row still
-- claimed?" too, and the planner, whose statistics never see the few rows in flight, would walk over all of them for each.
drop index deliveries_leases;
create index deliveries_leases on deliveries (bucket, lease_until) where lease_until is not null;

-- Each index and each foreign key costs every one of the four writes that a mail needs. A delivery's subscriber is its
-- enrollment's, whose key is checked already; an attempt is only ever written beside its delivery, and deleted with it.
alter table deliveries drop constraint deliveries_bucket_subscriber_fkey;
drop index deliveries_of_subscriber;
alter table attempts drop constraint attempts_bucket_delivery_fkey;
