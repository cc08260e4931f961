-- Takes up to $4 of what may still be let in within a window, whose cap is $5.
insert into guard_windows as w (kind, key, begins, taken, granted)
values ($1, $2, $3, least($4::bigint, $5::bigint), least($4::bigint, $5::bigint))
on conflict (kind, key, begins) do update set
    taken = w.taken + greatest(0, least($4::bigint, $5::bigint - w.taken)),
    granted = greatest(0, least($4::bigint, $5::bigint - w.taken))
returning granted as "granted!"
