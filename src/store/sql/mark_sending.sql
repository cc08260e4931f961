-- Asks again whether each may be sent and, if so, says that from now on the relay may have it.
update deliveries d
set state = 'sending', lease_until = $6
from unnest($2::uuid[], $3::int[], $4::uuid[], $5::text[]) as mine (id, attempt, enrollment, normalised)
join enrollments e on e.bucket = $1 and e.id = mine.enrollment
where d.bucket = $1 and d.id = mine.id and d.attempt = mine.attempt and d.enrollment = mine.enrollment
  and d.state = 'claimed' and may_be_sent(d.kind, e.state)
  and not exists (select from suppressions x where x.bucket = $1 and x.normalised = mine.normalised
                  and suppression_stops(x.reason, d.kind))
  and not exists (select from series p where p.slug = d.series and p.state = 'paused')
returning d.id
