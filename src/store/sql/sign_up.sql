-- The sign-up of an address that is new: subscriber, pending enrollment, consent and the confirmation owed. What is
-- suppressed gets nothing. What is known already is left alone and answered as such: the caller looks after it.
with silenced as (
    select s.bucket from suppressions s where s.bucket = $1 and s.normalised = $3
), fresh as (
    insert into subscribers (bucket, id, address, normalised, created_at)
    select $1, $4, $2, $3, $14
    where not exists (select from silenced)
    on conflict (bucket, normalised) do nothing
    returning id
), enrolled as (
    insert into enrollments (bucket, id, subscriber, series, state, condition, zone, language, created_at, requested_at)
    select $1, $5, f.id, $8, 'pending', $9, $10, $16, $14, $14 from fresh f
), agreed as (
    insert into consents (bucket, id, subscriber, enrollment, action, privacy_version, terms_version, channel, at)
    select $1, $6, f.id, $5, 'sign-up', $11, $12, $13, $14 from fresh f
), owed as (
    -- The first request of a new enrollment is number 1, and so is its confirmation.
    insert into deliveries (bucket, id, subscriber, enrollment, series, kind, occasion, priority, state, due_at, created_at)
    select $1, $7, f.id, $5, $8, 'confirmation', 1, 0, 'pending', $15, $14 from fresh f
)
select exists (select from fresh) as "fresh!", exists (select from silenced) as "silenced!"
