-- How many deliveries are due now and wait, by priority: of those never put off (series time) and of those that were (real
-- time). Each probe counts no further than $4 entries of an index, so that a look costs the same however much there is.
select p.priority as "priority!", sum(fresh.count + deferred.count)::bigint as "count!"
from unnest('{0,1}'::smallint[]) as p (priority)
cross join buckets b
cross join unnest($1::text[]) as s (slug)
cross join lateral (
    select count(*) from (
        select from deliveries d
        where d.bucket = b.bucket and d.series = s.slug and d.priority = p.priority and d.state = 'pending'
          and d.not_before is null and d.due_at <= $2
        limit $4
    ) one
) fresh
cross join lateral (
    select count(*) from (
        select from deliveries d
        where d.bucket = b.bucket and d.series = s.slug and d.priority = p.priority and d.state = 'pending'
          and d.not_before <= $3
        limit $4
    ) one
) deferred
where not exists (select from series q where q.slug = s.slug and q.state = 'paused')
group by p.priority
