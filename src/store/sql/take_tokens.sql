-- Lets a bucket of tokens refill and takes up to $5 whole ones out of it, after $6 that were not spent are back. A clock that
-- went backwards refills nothing. (A millionth of a token is what rounding may have lost.)
insert into rate_limits as r (kind, key, tokens, refilled_at, granted)
values ($1, $2, $4::float8 - least($5::float8, floor($4::float8)), $7, least($5::float8, floor($4::float8)))
on conflict (kind, key) do update set (tokens, granted, refilled_at) = (
    select full_again.tokens - least($5::float8, floor(full_again.tokens + 1e-6)), least($5::float8, floor(full_again.tokens + 1e-6)),
        greatest(r.refilled_at, $7)
    from (select least($4::float8,
        r.tokens + $6::float8 + $3::float8 * greatest(0, extract(epoch from $7 - r.refilled_at)::float8)) as tokens) full_again
)
returning granted as "granted!", tokens as "left!", turns_until
