-- A lease ran out while the relay may have taken the mail: what each of these is, the policy decides.
select d.id, d.attempt, d.enrollment
from deliveries d
where d.bucket = $1 and d.state = 'sending' and d.lease_until < $2
order by d.id
limit 200
