-- Notes the steps that were accepted, each once, and ends the enrollments that have had their last. Each enrollment occurs
-- once in a batch.
update enrollments e
set done_steps = case when news.done is null or news.done = any(e.done_steps) then e.done_steps
                      else e.done_steps || news.done end,
    state = case when news.completed and e.state = 'active' then 'completed' else e.state end,
    ended_at = case when news.completed and e.state = 'active' then $5::timestamptz else e.ended_at end
from unnest($2::uuid[], $3::text[], $4::bool[]) as news (enrollment, done, completed)
where e.bucket = $1 and e.id = news.enrollment
