-- Where there is due work: the head of each bucket of each series, oldest first, confirmations before steps.
select b.bucket::smallint as "bucket!", s.slug as "series!"
from generate_series(0, 63) as b (bucket)
cross join unnest($1::text[]) as s (slug)
cross join lateral (
    select d.priority, d.due_at
    from deliveries d
    where d.bucket = b.bucket and d.series = s.slug and d.state = 'pending'
      and d.due_at <= $2 and d.not_before <= $3
    order by d.priority, d.due_at
    limit 1
) head
where not exists (select from series p where p.slug = s.slug and p.state = 'paused')
order by head.priority, head.due_at
