-- Writes what became of a batch of one bucket. Fenced: a stale worker's attempt number, or a state that somebody else
-- has settled, matches nothing. What would go back to the queue follows its enrollment: paused with it, or skipped when
-- the reader left meanwhile. The caller holds the enrollments' locks.
update deliveries d
set state = judged.state,
    reason = coalesce(r.reason, judged.reason),
    not_before = coalesce(r.not_before, d.not_before),
    tries = d.tries + r.charged,
    uncertain_count = d.uncertain_count + r.uncertain,
    content_version = coalesce(r.content_version, d.content_version),
    condition = coalesce(r.condition, d.condition),
    lease_until = null,
    node = null,
    settled_at = case when judged.state in ('accepted', 'rejected', 'skipped', 'uncertain') then $10::timestamptz end,
    series_settled_at = case when judged.state in ('accepted', 'rejected', 'skipped', 'uncertain') then $11::timestamptz end
from unnest($2::uuid[], $3::int[], $4::text[], $5::text[], $6::timestamptz[], $7::smallint[], $8::smallint[], $9::text[], $12::bytea[])
    as r (id, attempt, state, reason, not_before, charged, uncertain, content_version, condition)
join deliveries again on again.bucket = $1 and again.id = r.id
join enrollments e on e.bucket = $1 and e.id = again.enrollment
cross join lateral (
    select case when r.state <> 'pending' or may_be_sent(again.kind, e.state) then r.state
                when again.kind = 'step' and e.state = 'paused' then 'paused'
                else 'skipped' end as state,
           case when r.state = 'pending' and not may_be_sent(again.kind, e.state) and e.state <> 'paused'
                then e.state end as reason
) judged
where d.bucket = $1 and d.id = r.id and d.attempt = r.attempt and d.state in ('claimed', 'sending')
returning d.id, d.enrollment, d.subscriber, d.series, d.kind, d.step, d.state, d.occasion
