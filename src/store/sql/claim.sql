-- Takes due deliveries of one bucket, series and priority under a lease, with all that rendering them needs: up to $7 that
-- were never put off, in due order, and up to a quarter as many that were and may be tried again.
with fresh as (
    select d.id, s.address, s.normalised, e.condition, e.request, e.requested_at, e.language
    from deliveries d
    join enrollments e on e.bucket = d.bucket and e.id = d.enrollment
    join subscribers s on s.bucket = d.bucket and s.id = d.subscriber
    where d.bucket = $1 and d.series = $2 and d.priority = $8 and d.state = 'pending'
      and d.due_at <= $3 and d.not_before is null
      and may_be_sent(d.kind, e.state)
      and not exists (select from suppressions x where x.bucket = $1 and x.normalised = s.normalised
                      and suppression_stops(x.reason, d.kind))
      and not exists (select from series p where p.slug = $2 and p.state = 'paused')
    order by d.due_at, d.id
    limit $7
    for update of d skip locked
), deferred as (
    select d.id, s.address, s.normalised, e.condition, e.request, e.requested_at, e.language
    from deliveries d
    join enrollments e on e.bucket = d.bucket and e.id = d.enrollment
    join subscribers s on s.bucket = d.bucket and s.id = d.subscriber
    where d.bucket = $1 and d.series = $2 and d.priority = $8 and d.state = 'pending'
      and d.due_at <= $3 and d.not_before <= $4
      and may_be_sent(d.kind, e.state)
      and not exists (select from suppressions x where x.bucket = $1 and x.normalised = s.normalised
                      and suppression_stops(x.reason, d.kind))
      and not exists (select from series p where p.slug = $2 and p.state = 'paused')
    order by d.not_before, d.id
    limit ($7 + 3) / 4
    for update of d skip locked
), picked as (
    select * from fresh union all select * from deferred
)
update deliveries d
set state = 'claimed', attempt = d.attempt + 1, lease_until = $5, node = $6
from picked
where d.bucket = $1 and d.id = picked.id
returning d.id, d.enrollment, d.subscriber, d.series, d.kind, d.step, d.occasion, d.due_at, d.attempt, d.tries,
    d.not_before is not null as "put_off!", picked.address as "address!", picked.normalised as "normalised!",
    picked.condition as "condition!", picked.request as "request!", picked.requested_at as "requested_at!",
    picked.language as "language!"
