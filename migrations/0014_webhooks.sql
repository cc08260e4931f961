-- Endpoints of other programs that are told what happens to readers. Few rows: in a sharded installation the table stays on the
-- coordinator.
create table webhooks (
    id               uuid primary key,
    name             text not null unique,
    url              text not null,
    events           text[] not null,
    -- the series that are told of; none: all of them
    series           text[] not null default '{}',
    -- whether the reader's address is told, too
    with_address     boolean not null default false,
    -- sealed; the one of before signs beside it until `old_until`
    secret           bytea not null,
    old_secret       bytea,
    old_until        timestamptz,
    made_by          uuid,
    made_at          timestamptz not null,
    disabled_at      timestamptz,
    disabled_because text check (disabled_because in ('admin', 'gone', 'failing')),
    -- the first try that failed since the last that did not
    failing_since    timestamptz,
    check ((disabled_at is null) = (disabled_because is null)),
    check ((old_secret is null) = (old_until is null))
);

-- What an endpoint is owed or was told: the outbox and the log in one. Written in the transaction of what it tells of. It names
-- nobody's address and no condition.
create table webhook_messages (
    bucket      smallint not null,
    id          uuid not null,
    webhook     uuid not null,
    event       text not null,
    subscriber  uuid,
    enrollment  uuid,
    series      text,
    step        text,
    kind        text,
    reason      text,
    -- when it happened
    at          timestamptz not null,
    state       text not null default 'pending' check (state in ('pending', 'sent', 'failed')),
    -- raised by each claim: whoever comes back late settles nothing
    attempt     integer not null default 0,
    tries       smallint not null default 0,
    -- while a claim holds, when it ends
    next_try_at timestamptz not null,
    -- how the last try was answered: an HTTP status, or a word
    status      smallint,
    error       text,
    done_at     timestamptz,
    primary key (bucket, id)
);
create index webhook_messages_due on webhook_messages (bucket, webhook, next_try_at) where state = 'pending';
create index webhook_messages_listed on webhook_messages (webhook, state, id);
create index webhook_messages_of_reader on webhook_messages (bucket, subscriber);
