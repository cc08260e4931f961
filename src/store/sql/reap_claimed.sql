-- A lease ran out before anything was handed over: back to the queue, no attempt charged.
update deliveries d
set state = case when e.state = 'paused' then 'paused' else 'pending' end, lease_until = null, node = null
from enrollments e
where d.bucket = $1 and d.state = 'claimed' and d.lease_until < $2
  and e.bucket = $1 and e.id = d.enrollment
