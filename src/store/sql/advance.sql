-- Notes the steps that were accepted, each once, and ends the enrollments that have had their last.
update enrollments e
set done_steps = e.done_steps || news.done,
    state = case when news.completed and e.state = 'active' then 'completed' else e.state end,
    ended_at = case when news.completed and e.state = 'active' then $5::timestamptz else e.ended_at end
from (
    select r.enrollment, bool_or(r.completed) as completed,
        coalesce(array_agg(r.done) filter (where r.done is not null and r.done <> all (known.done_steps)), '{}') as done
    from unnest($2::uuid[], $3::text[], $4::bool[]) as r (enrollment, done, completed)
    join enrollments known on known.bucket = $1 and known.id = r.enrollment
    group by r.enrollment
) news
where e.bucket = $1 and e.id = news.enrollment
