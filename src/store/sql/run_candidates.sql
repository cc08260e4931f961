-- The next enrollments of a bucket behind a place, and whether the run is for each: a condition that is null asks nothing.
-- Then what says what the run does for it: the scheduled step that waits, and the copies of what the run sends ($16, $17).
with looked_at as materialized (
    select e.id, e.subscriber, e.series, e.state, e.done_steps, e.language, e.created_at, e.condition
    from enrollments e
    where e.bucket = $1 and e.id > $2 and ($4::uuid is null or e.subscriber = $4)
    order by e.id
    limit $3
)
select l.id as "id!", l.subscriber as "subscriber!", l.state as "state!", split_part(s.normalised, '@', 2) as "domain!",
    l.condition as "condition?",
    exists (select from suppressions x where x.bucket = $1 and x.normalised = s.normalised) as "suppressed!",
    waiting.id as "waiting?", waiting.step as "waiting_step?", coalesce(waiting.run = any($18), false) as "taken!",
    copies.scheduled as "scheduled?",
    (coalesce(copies.accepted, false) or coalesce($16 = 'step' and $17 = any(l.done_steps), false)) as "received!",
    coalesce(copies.owed, false) as "under_way!",
    l.series = $5 and l.state in ('active', 'paused', 'completed')
        and ($6::timestamptz is null or coalesce(waiting.due_at <= $6, false))
        and ($7::text is null or not $7 = any(l.done_steps))
        and ($8::text is null or (
            ($9::text is null and $8 = any(l.done_steps))
            or exists (select from deliveries d
                       where d.bucket = $1 and d.enrollment = l.id and d.kind = 'step' and d.step = $8
                         and d.state = 'accepted' and ($9::text is null or d.content_version = $9))))
        and ($10::bigint is null or exists (
            select from run_readers r where r.bucket = $1 and r.run = $10 and r.subscriber = l.subscriber))
        and ($11::text is null or l.state = $11) and ($12::integer is null or cardinality(l.done_steps) = $12)
        and ($13::text is null or l.language = $13)
        and ($14::timestamptz is null or l.created_at >= $14) and ($15::timestamptz is null or l.created_at < $15)
        as "fits!"
from looked_at l
join subscribers s on s.bucket = $1 and s.id = l.subscriber
left join lateral (
    select d.id, d.step, d.due_at, d.run
    from deliveries d
    where d.bucket = $1 and d.enrollment = l.id and d.kind = 'step' and d.occasion = 0 and d.state = 'pending'
    order by d.due_at, d.id
    limit 1
) waiting on true
left join lateral (
    select max(d.state) filter (where d.occasion = 0) as scheduled, bool_or(d.state = 'accepted') as accepted,
        bool_or(d.occasion <> 0 and d.state in ('pending', 'paused', 'claimed', 'sending')) as owed
    from deliveries d
    where d.bucket = $1 and d.enrollment = l.id and d.kind = $16 and d.step = $17
) copies on true
order by l.id
