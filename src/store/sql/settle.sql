-- Writes what became of a batch of one bucket. Fenced: a stale worker's attempt number, or a state that somebody else
-- has settled, matches nothing. The caller holds the enrollments' locks, and has asked what may still go back to the queue.
update deliveries d
set state = r.state,
    reason = r.reason,
    not_before = coalesce(r.not_before, d.not_before),
    tries = d.tries + r.charged,
    uncertain_count = d.uncertain_count + r.uncertain,
    content_version = coalesce(r.content_version, d.content_version),
    condition = coalesce(r.condition, d.condition),
    lease_until = null,
    node = null,
    settled_at = case when r.state in ('accepted', 'rejected', 'skipped', 'uncertain') then $10::timestamptz end,
    series_settled_at = case when r.state in ('accepted', 'rejected', 'skipped', 'uncertain') then $11::timestamptz end
from unnest($2::uuid[], $3::int[], $4::text[], $5::text[], $6::timestamptz[], $7::smallint[], $8::smallint[], $9::text[], $12::bytea[])
    as r (id, attempt, state, reason, not_before, charged, uncertain, content_version, condition)
where d.bucket = $1 and d.id = r.id and d.attempt = r.attempt and d.state in ('claimed', 'sending')
returning d.id, d.enrollment, d.subscriber, d.series, d.kind, d.step, d.state, d.reason, d.occasion
