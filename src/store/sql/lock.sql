-- Locks the enrollments of a batch of deliveries, always before the deliveries and in one order, so that a settle and an
-- unsubscribe wait for each other and never deadlock.
select d.id as delivery, d.kind, may_be_sent(d.kind, e.state) as "may_be_sent!",
    e.id, e.subscriber, e.series, e.state, e.zone, e.preferred_time, e.spacing, e.done_steps
from deliveries d
join enrollments e on e.bucket = $1 and e.id = d.enrollment
where d.bucket = $1 and d.id = any($2)
order by e.id
for no key update of e
