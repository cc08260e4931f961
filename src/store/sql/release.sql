-- Gives back what was claimed and not begun, at once or for later: nobody is charged.
update deliveries d
set state = case when e.state = 'paused' then 'paused' else 'pending' end, lease_until = null, node = null,
    not_before = coalesce(mine.not_before, d.not_before)
from unnest($2::uuid[], $3::int[], $4::timestamptz[]) as mine (id, attempt, not_before)
join deliveries again on again.bucket = $1 and again.id = mine.id
join enrollments e on e.bucket = $1 and e.id = again.enrollment
where d.bucket = $1 and d.id = mine.id and d.attempt = mine.attempt and d.state = 'claimed'
