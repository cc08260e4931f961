-- Calls of the API under an `Idempotency-Key`: a call that is made again is not done again. All that a caller has sent is kept
-- as hashes; the answer holds counts and ids, no address and no condition, and is written in the transaction of what it
-- tells of. A row lives for a day. The table is small: in a sharded installation it stays on one server, undistributed.
create table once_keys (
    token    bytea not null check (octet_length(token) = 16),
    key      bytea not null check (octet_length(key) = 16),
    request  bytea not null check (octet_length(request) = 16),
    -- Whoever takes over a call that was broken off counts on, so that the first can write nothing any more.
    attempt  integer not null check (attempt > 0),
    -- Real time.
    began_at timestamptz not null,
    answer   text,
    primary key (token, key)
);
create index once_keys_began_at on once_keys (began_at);
