-- What is due for too long, was never tried, and nobody paused.
select (
    select coalesce(sum(late.count), 0)::bigint
    from (values (0::smallint), (1::smallint)) as p (priority)
    cross join generate_series(0, 63) as b (bucket)
    cross join unnest($1::text[]) as s (slug)
    cross join lateral (
        select count(*) as count
        from deliveries d
        where d.bucket = b.bucket and d.series = s.slug and d.priority = p.priority and d.state = 'pending'
          and d.due_at < $2 and d.tries = 0
    ) late
    where not exists (select from series q where q.slug = s.slug and q.state = 'paused')
) + (
    select count(*)
    from deliveries d
    where d.lease_until is not null and d.state in ('claimed', 'sending') and d.due_at < $2 and d.tries = 0
      and not exists (select from series q where q.slug = d.series and q.state = 'paused')
) as "count!"
