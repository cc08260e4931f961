-- A domain asked for less: nothing goes to it for $3 seconds, twice as long with each time that it asks again, $4 at most.
-- Replies to mails that were on their way when it was closed count once; after $5 seconds of quiet it begins anew.
insert into slow_domains as s (domain, repeats, until)
values ($1, 1, $2::timestamptz + make_interval(secs => $3::float8))
on conflict (domain) do update set (repeats, until) = (
    select next.repeats,
        case when s.until > $2::timestamptz then s.until
             else $2::timestamptz + make_interval(secs => least($4::float8, $3::float8 * 2 ^ (next.repeats - 1))) end
    from (select case when s.until > $2::timestamptz then s.repeats
                      when s.until < $2::timestamptz - make_interval(secs => $5::float8) then 1
                      else least(s.repeats + 1, 30) end as repeats) next
)
returning repeats, until
