-- Readers of one bucket who come with a file, whose subscribers are there and locked: enrollment, consents and the first
-- delivery of each. Whoever has signed up in this moment has an open enrollment, which stays as it is. A confirmation for which
-- nobody waits at the screen has the priority of a step.
with newcomers as materialized (
    select * from unnest(
        $2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::text[], $7::text[], $8::time[], $9::smallint[], $10::text[],
        $11::timestamptz[], $12::timestamptz[], $13::text[], $14::text[], $15::jsonb[], $16::jsonb[], $17::uuid[], $18::uuid[],
        $19::uuid[], $20::text[], $21::timestamptz[]
    ) as r (subscriber, enrollment, state, condition, zone, language, preferred_time, spacing, done_steps,
        confirmed_at, requested_at, privacy_version, terms_version, evidence, confirmation, consent, confirm_consent,
        delivery, step, due_at)
), enrolled as (
    insert into enrollments (bucket, id, subscriber, series, state, condition, zone, language, preferred_time, spacing,
        done_steps, created_at, requested_at, confirmed_at)
    select $1, a.enrollment, a.subscriber, $22, a.state, a.condition, a.zone, a.language, a.preferred_time, a.spacing,
        string_to_array(a.done_steps, ' '), $23, a.requested_at, a.confirmed_at
    from newcomers a
    on conflict (bucket, subscriber, series) where state in ('pending', 'active', 'paused') do nothing
    returning id
), agreed as (
    insert into consents (bucket, id, subscriber, enrollment, action, privacy_version, terms_version, channel, at, source,
        evidence)
    select $1, a.consent, a.subscriber, a.enrollment, 'sign-up', a.privacy_version, a.terms_version, 'import', $23, $24,
        a.evidence
    from newcomers a join enrolled e on e.id = a.enrollment
    union all
    select $1, a.confirm_consent, a.subscriber, a.enrollment, 'confirm', a.privacy_version, a.terms_version, 'import', $23,
        $24, a.confirmation
    from newcomers a join enrolled e on e.id = a.enrollment
    where a.confirmation is not null
), owed as (
    insert into deliveries (bucket, id, subscriber, enrollment, series, kind, step, occasion, due_at, created_at)
    select $1, a.delivery, a.subscriber, a.enrollment, $22, case when a.step is null then 'confirmation' else 'step' end,
        a.step, case when a.step is null then 1 else 0 end, a.due_at, $23
    from newcomers a join enrolled e on e.id = a.enrollment
)
select id from enrolled
