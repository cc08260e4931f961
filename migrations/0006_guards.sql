-- What keeps robots and list-bombers out: limits that all processes keep to together, what was refused, and publishers' tokens.
-- All instants are real time. No table here knows a reader, an address or an IP address: networks and domains are in it only
-- as a keyed hash. They are small: in a sharded installation they stay on one server, undistributed.

-- How many sign-ups of one network, or for one recipient's domain, were let in within an hour. Only who signs up often has a
-- row: each process lets the first few of each key in by itself, and books them when more come.
create table guard_windows (
    kind    text not null check (kind in ('network', 'range', 'domain', 'no_script')),
    key     bytea not null check (length(key) = 16),
    begins  timestamptz not null,
    taken   bigint not null,
    -- what the last that took got: RETURNING cannot see the row as it was before
    granted bigint not null,
    primary key (kind, key, begins)
) with (fillfactor = 50);
create index guard_windows_begins on guard_windows (begins);

-- What was refused, by day (UTC) and reason: numbers, and nothing of whom.
create table guard_refusals (
    day    date not null,
    reason text not null,
    count  bigint not null,
    primary key (day, reason)
) with (fillfactor = 50);

-- Proofs of work that were used, so that each is good for one sign-up; gone when they have expired.
create table spent_proofs (
    proof      bytea primary key check (length(proof) = 32),
    expires_at timestamptz not null
);
create index spent_proofs_expires on spent_proofs (expires_at);

-- Tokens with which a publisher's own server may sign readers up. The token itself is shown once and is not here.
create table api_tokens (
    id         uuid primary key,
    name       text not null unique,
    scope      text not null check (scope in ('sign_up')),
    hash       bytea not null unique check (length(hash) = 32),
    created_at timestamptz not null,
    -- the day is enough to see that a token is no longer in use
    last_used  date,
    revoked_at timestamptz
);

-- For a sign-up that a publisher posted: which token, and what the publisher says of where and when the reader agreed.
alter table consents add column source text;
alter table consents add column evidence jsonb;
