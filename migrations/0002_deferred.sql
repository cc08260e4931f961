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
