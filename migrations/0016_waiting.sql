-- Admins look for the readers whom a part comes to next. With this the few who wait for a rare part are found at once, and the
-- many who wait for a common one are still found newest first. It costs each mail one entry, when the next part is written, and
-- another when it is put off: while a mail is on its way it is in none, so claiming and marking it write nothing here. All
-- entries of a step share its key, so it is small. Only a statement that names the step
-- can say that there is one, so no other takes this index for a short way to what is due.
create index deliveries_waiting on deliveries (step)
    where step is not null and kind = 'step' and occasion = 0 and state in ('pending', 'paused');

-- How many readers have had how many parts: without it the planner takes a rare number for a common one, and walks through all
-- readers one by one.
do $$
begin
    -- Citus has no statistics of expressions, and would not go on.
    if not exists (select from pg_extension where extname = 'citus') then
        create statistics enrollments_parts on (cardinality(done_steps)) from enrollments;
    end if;
end $$;
