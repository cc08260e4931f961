-- The heartbeat: whoever still works on these keeps them a while longer.
update deliveries d
set lease_until = $4
from unnest($2::uuid[], $3::int[]) as mine (id, attempt)
where d.bucket = $1 and d.id = mine.id and d.attempt = mine.attempt and d.state in ('claimed', 'sending')
returning d.id
