-- Where there is due work: the head of each bucket, series and priority; confirmations first, then the oldest. Each probe
-- is an equality on the index's first columns, so that what is not yet due is never walked over.
select b.bucket::smallint as "bucket!", s.slug as "series!", p.priority as "priority!"
from (values (0::smallint), (1::smallint)) as p (priority)
cross join generate_series(0, 63) as b (bucket)
cross join unnest($1::text[]) as s (slug)
cross join lateral (
    select d.due_at
    from deliveries d
    where d.bucket = b.bucket and d.series = s.slug and d.priority = p.priority and d.state = 'pending'
      and d.due_at <= $2 and d.not_before <= $3
    order by d.due_at
    limit 1
) head
where not exists (select from series q where q.slug = s.slug and q.state = 'paused')
order by p.priority, head.due_at
