-- What is known of the addresses of a batch: whether each was met before in its import, is suppressed, has an enrollment in the
-- series (an open one first, else the newest), and how often it was asked to confirm since $6.
select a.place as "place!",
    exists (select from import_addresses m where m.bucket = $1 and m.import = $2 and m.address = a.hash) as "met!",
    exists (select from suppressions x where x.bucket = $1 and x.normalised = a.normalised) as "suppressed!",
    n.state as "state?",
    coalesce(d.count, 0) as "asked!"
from unnest($3::text[], $4::bytea[]) with ordinality as a (normalised, hash, place)
left join subscribers s on s.bucket = $1 and s.normalised = a.normalised
left join lateral (
    select e.state from enrollments e where e.bucket = $1 and e.subscriber = s.id and e.series = $5
    order by (e.state in ('pending', 'active', 'paused')) desc, e.created_at desc, e.id desc limit 1
) n on true
left join lateral (
    select count(*) as count from deliveries o join enrollments e on e.bucket = $1 and e.id = o.enrollment
    where o.bucket = $1 and e.subscriber = s.id and o.kind = any($7) and o.created_at > $6
) d on s.id is not null
