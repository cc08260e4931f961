-- Asks again whether each may be sent and, if so, says that from now on the relay may have it.
update deliveries d
set state = 'sending', lease_until = $4
from unnest($2::uuid[], $3::int[]) as mine (id, attempt)
join deliveries again on again.bucket = $1 and again.id = mine.id
join enrollments e on e.bucket = $1 and e.id = again.enrollment
join subscribers s on s.bucket = $1 and s.id = again.subscriber
where d.bucket = $1 and d.id = mine.id and d.attempt = mine.attempt and d.state = 'claimed'
  and may_be_sent(d.kind, e.state)
  and not exists (select from suppressions x where x.bucket = $1 and x.normalised = s.normalised)
  and not exists (select from series p where p.slug = d.series and p.state = 'paused')
returning d.id
