-- The head of each bucket, series and priority: when the first that was never put off is due (series time), and when the
-- first that was put off may be tried again (real time). Each probe reads one entry of an index.
select b.bucket as "bucket!", s.slug as "series!", p.priority as "priority!",
    fresh.due_at as "due_at?", deferred.not_before as "not_before?"
from unnest($2::smallint[]) as p (priority)
cross join buckets b
cross join unnest($1::text[]) as s (slug)
left join lateral (
    select d.due_at
    from deliveries d
    where d.bucket = b.bucket and d.series = s.slug and d.priority = p.priority and d.state = 'pending'
      and d.not_before is null
    order by d.due_at, d.id
    limit 1
) fresh on true
left join lateral (
    select d.not_before
    from deliveries d
    where d.bucket = b.bucket and d.series = s.slug and d.priority = p.priority and d.state = 'pending'
      and d.not_before is not null
    order by d.not_before, d.id
    limit 1
) deferred on true
where (fresh.due_at is not null or deferred.not_before is not null)
  and not exists (select from series q where q.slug = s.slug and q.state = 'paused')
