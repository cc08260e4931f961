-- What the processes have to agree on about relays and recipients' domains. All instants are real time. These tables are
-- small and know no reader: in a sharded installation they stay on one server, undistributed.

-- A bucket of tokens, one for each mail: it fills at the configured rate, and is emptied in advance by a second's worth.
create table rate_limits (
    kind        text not null check (kind in ('relay', 'domain')),
    key         text not null,
    tokens      double precision not null,
    refilled_at timestamptz not null,
    -- what the last that took got: RETURNING cannot see the row as it was before
    granted     double precision not null,
    -- until when mails that had to wait have been given their turn
    turns_until timestamptz,
    primary key (kind, key)
) with (fillfactor = 50);

-- What of a relay's day (UTC) is taken. The first row says since when a relay is in use, which its warm-up counts from.
create table relay_days (
    relay   text not null,
    day     date not null,
    taken   bigint not null,
    granted bigint not null,
    primary key (relay, day)
) with (fillfactor = 50);

-- Domains that asked for less: nothing is sent to them until then. A row is gone when one of their mails was accepted, or
-- after a while.
create table slow_domains (
    domain  text primary key,
    repeats integer not null,
    until   timestamptz not null
) with (fillfactor = 50);
create index slow_domains_until on slow_domains (until);
