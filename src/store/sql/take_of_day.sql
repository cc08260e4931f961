-- Takes up to $3 of what a relay may still carry on a day, whose cap is $4.
insert into relay_days as d (relay, day, taken, granted)
values ($1, $2, least($3::bigint, $4::bigint), least($3::bigint, $4::bigint))
on conflict (relay, day) do update set
    taken = d.taken + greatest(0, least($3::bigint, $4::bigint - d.taken)),
    granted = greatest(0, least($3::bigint, $4::bigint - d.taken))
returning granted as "granted!"
