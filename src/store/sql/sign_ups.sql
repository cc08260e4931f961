-- The same for many, together. Every row names its bucket, and every table is read and written by it. An address that comes
-- twice in one batch is new once. The rows come in one order (bucket, then address) and are written in it, so that two
-- batches wait for each other and never deadlock.
with asked as materialized (
    select * from unnest(
        $1::smallint[], $2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::bytea[],
        $10::text[], $11::text[], $12::text[], $13::text[], $16::text[]
    ) with ordinality as r (bucket, address, normalised, subscriber, enrollment, consent, delivery, series, condition,
        zone, privacy_version, terms_version, channel, language, place)
), silenced as (
    select s.bucket, s.normalised
    from suppressions s join asked a on s.bucket = a.bucket and s.normalised = a.normalised
), fresh as (
    insert into subscribers (bucket, id, address, normalised, created_at)
    select a.bucket, a.subscriber, a.address, a.normalised, $14
    from asked a
    where not exists (select from silenced n where n.bucket = a.bucket and n.normalised = a.normalised)
    order by a.place
    on conflict (bucket, normalised) do nothing
    returning bucket, id
), enrolled as (
    insert into enrollments (bucket, id, subscriber, series, state, condition, zone, language, created_at,
        requested_at)
    select f.bucket, a.enrollment, f.id, a.series, 'pending', a.condition, a.zone, a.language, $14, $14
    from fresh f join asked a on a.bucket = f.bucket and a.subscriber = f.id
), agreed as (
    insert into consents (bucket, id, subscriber, enrollment, action, privacy_version, terms_version, channel, at)
    select f.bucket, a.consent, f.id, a.enrollment, 'sign-up', a.privacy_version, a.terms_version, a.channel, $14
    from fresh f join asked a on a.bucket = f.bucket and a.subscriber = f.id
), owed as (
    insert into deliveries (bucket, id, subscriber, enrollment, series, kind, occasion, priority, state, due_at, created_at)
    select f.bucket, a.delivery, f.id, a.enrollment, a.series, 'confirmation', 1, 0, 'pending', $15, $14
    from fresh f join asked a on a.bucket = f.bucket and a.subscriber = f.id
)
select a.place as "place!", f.id is not null as "fresh!", n.normalised is not null as "silenced!"
from asked a
left join fresh f on f.bucket = a.bucket and f.id = a.subscriber
left join silenced n on n.bucket = a.bucket and n.normalised = a.normalised
