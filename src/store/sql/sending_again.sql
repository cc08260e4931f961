-- Uncertain, and the policy is to send again: the same Message-ID goes out once more, unless the reader left meanwhile or it
-- has been uncertain too often.
update deliveries d
set state = case when e.state = 'paused' then 'paused'
                 when may_be_sent(d.kind, e.state) then 'pending' else 'uncertain' end,
    reason = case when e.state <> 'paused' and not may_be_sent(d.kind, e.state) then 'ended_meanwhile' end,
    settled_at = case when e.state <> 'paused' and not may_be_sent(d.kind, e.state) then $6::timestamptz end,
    series_settled_at = case when e.state <> 'paused' and not may_be_sent(d.kind, e.state) then $7::timestamptz end,
    uncertain_count = d.uncertain_count + 1, tries = d.tries + 1, not_before = $4, lease_until = null, node = null
from unnest($2::uuid[], $3::int[]) as mine (id, attempt)
join deliveries again on again.bucket = $1 and again.id = mine.id
join enrollments e on e.bucket = $1 and e.id = again.enrollment
where d.bucket = $1 and d.id = mine.id and d.attempt = mine.attempt and d.state = 'sending'
  and d.uncertain_count < $5
returning d.id
