-- Gives back what was claimed and not begun: nobody is charged.
update deliveries d
set state = case when e.state = 'paused' then 'paused' else 'pending' end, lease_until = null, node = null
from unnest($2::uuid[], $3::int[]) as mine (id, attempt)
join deliveries again on again.bucket = $1 and again.id = mine.id
join enrollments e on e.bucket = $1 and e.id = again.enrollment
where d.bucket = $1 and d.id = mine.id and d.attempt = mine.attempt and d.state = 'claimed'
