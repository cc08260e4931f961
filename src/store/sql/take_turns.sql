-- Gives turns to $4 mails that have to wait, $3 seconds from each to the next, behind those that already have one. Answers
-- when the first of them is.
update rate_limits
set turns_until = greatest(turns_until, $5) + make_interval(secs => $3::float8 * $4::float8)
where kind = $1 and key = $2
returning turns_until - make_interval(secs => $3::float8 * $4::float8) as "first!"
