-- What is due for too long, was never tried, and nobody paused: of what was never put off, of what was, and of what somebody
-- holds. Each bucket is read by its own server, and only what is overdue, put off or held in it.
select (
    select count(*)
    from buckets b
    join deliveries d on d.bucket = b.bucket and d.series = any($1) and d.priority = any('{0,1}'::smallint[])
        and d.state = 'pending' and d.not_before is null and d.due_at < $2
    where d.tries = 0 and not exists (select from series q where q.slug = d.series and q.state = 'paused')
) + (
    select count(*)
    from buckets b
    join deliveries d on d.bucket = b.bucket and d.series = any($1) and d.priority = any('{0,1}'::smallint[])
        and d.state = 'pending' and d.not_before is not null
    where d.due_at < $2 and d.tries = 0
      and not exists (select from series q where q.slug = d.series and q.state = 'paused')
) + (
    select count(*)
    from deliveries d
    where d.lease_until is not null and d.state in ('claimed', 'sending') and d.due_at < $2 and d.tries = 0
      and not exists (select from series q where q.slug = d.series and q.state = 'paused')
) as "count!"
