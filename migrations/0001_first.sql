-- The first schema. Every hot table begins its key with `bucket` (0..63, a hash of the normalised address), so that a
-- sharded PostgreSQL can distribute it; see docs/OPERATIONS.md. SQL is written for PostgreSQL 15 and never calls now():
-- instants are parameters. `due_at` and `series_*` columns are series time, all others real time.

-- What this database is. A demo's clock is fast and its data made up, so a demo refuses any other database and every
-- other command refuses a demo's. `series_now` is where the demo's clock stopped.
create table installation (
    only_row   boolean primary key default true check (only_row),
    purpose    text not null check (purpose in ('demo', 'production')),
    series_now timestamptz,
    created_at timestamptz not null
);
-- Set by the binary on the connection that migrates, so that no schema is ever without its mark.
insert into installation (purpose, created_at)
values (current_setting('regimen.purpose'), current_setting('regimen.now')::timestamptz);

-- Published content: what the nodes render from, also when the folder on disk is broken.
create table content_versions (
    version      text primary key,
    files        jsonb not null,
    published_at timestamptz not null
);

create table series (
    slug       text primary key,
    state      text not null default 'active' check (state in ('active', 'paused')),
    paused_at  timestamptz,
    changed_by text,
    why        text
);

create table subscribers (
    bucket     smallint not null check (bucket between 0 and 63),
    id         uuid not null,
    address    text not null check (length(address) <= 254),
    normalised text not null,
    created_at timestamptz not null,
    primary key (bucket, id),
    unique (bucket, normalised)
);

create table enrollments (
    bucket         smallint not null,
    id             uuid not null,
    subscriber     uuid not null,
    series         text not null,
    state          text not null check (state in
        ('pending', 'active', 'paused', 'completed', 'unsubscribed', 'suppressed', 'erased', 'expired')),
    condition      bytea not null,
    zone           text not null,
    preferred_time time,
    -- the steps that were accepted, carried over when an unsubscribed reader comes back
    done_steps     text[] not null default '{}',
    -- how many confirmations were asked for; the newest link wins
    request        integer not null default 1,
    created_at     timestamptz not null,
    requested_at   timestamptz not null,
    confirmed_at   timestamptz,
    reminded_at    timestamptz,
    ended_at       timestamptz,
    paused_at      timestamptz,
    primary key (bucket, id),
    foreign key (bucket, subscriber) references subscribers (bucket, id) on delete cascade
);
create unique index enrollments_one_open on enrollments (bucket, subscriber, series)
    where state in ('pending', 'active', 'paused');
create index enrollments_of_subscriber on enrollments (bucket, subscriber);
create index enrollments_pending on enrollments (requested_at) where state = 'pending';

-- Append-only: what was agreed to, when and where.
create table consents (
    bucket          smallint not null,
    id              uuid not null,
    subscriber      uuid not null,
    enrollment      uuid not null,
    action          text not null check (action in ('sign-up', 'confirm', 'unsubscribe', 'not-me')),
    privacy_version text not null,
    terms_version   text not null,
    channel         text not null,
    at              timestamptz not null,
    primary key (bucket, id),
    foreign key (bucket, subscriber) references subscribers (bucket, id) on delete cascade
);
create index consents_of_subscriber on consents (bucket, subscriber);

-- One message owed to one address. The queue is this table.
create table deliveries (
    bucket          smallint not null,
    id              uuid not null,
    subscriber      uuid not null,
    enrollment      uuid not null,
    series          text not null,
    kind            text not null check (kind in
        ('confirmation', 'reminder', 'already_signed_up', 'step', 'correction')),
    step            text,
    occasion        bigint not null default 0,
    -- 0 for what a reader waits for at the screen, 1 for steps: confirmations go first
    priority        smallint not null default 1,
    state           text not null default 'pending' check (state in
        ('pending', 'paused', 'claimed', 'sending', 'accepted', 'rejected', 'skipped', 'uncertain')),
    reason          text,
    due_at          timestamptz not null,
    not_before      timestamptz not null,
    -- the fence: raised by each claim; a stale worker's number matches nothing
    attempt         integer not null default 0,
    -- attempts that count against the limit: a relay's own failure does not
    tries           smallint not null default 0,
    lease_until     timestamptz,
    node            uuid,
    -- how often nobody could say whether the relay had taken it
    uncertain_count smallint not null default 0,
    content_version text,
    condition       bytea,
    run             bigint,
    created_at      timestamptz not null,
    settled_at      timestamptz,
    series_settled_at timestamptz,
    primary key (bucket, id),
    unique nulls not distinct (bucket, enrollment, kind, step, occasion),
    foreign key (bucket, enrollment) references enrollments (bucket, id) on delete cascade,
    foreign key (bucket, subscriber) references subscribers (bucket, id) on delete cascade
) with (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);
create index deliveries_queue on deliveries (bucket, series, priority, due_at, id) where state = 'pending';
create index deliveries_leases on deliveries (bucket, lease_until) where state in ('claimed', 'sending');
create index deliveries_of_subscriber on deliveries (bucket, subscriber);
create index deliveries_were_uncertain on deliveries (bucket, id) where uncertain_count > 0;
create index deliveries_of_run on deliveries (run) where run is not null;

create table attempts (
    bucket     smallint not null,
    delivery   uuid not null,
    attempt    integer not null,
    node       uuid not null,
    outcome    text not null check (outcome in ('accepted', 'deferred', 'rejected', 'uncertain', 'skipped')),
    code       smallint,
    reply      text,
    ended_at   timestamptz not null,
    primary key (bucket, delivery, attempt),
    foreign key (bucket, delivery) references deliveries (bucket, id) on delete cascade
);

create table suppressions (
    bucket     smallint not null,
    normalised text not null,
    reason     text not null check (reason in ('no_such_user', 'not_me', 'admin', 'complaint', 'bounce')),
    why        text,
    by         text,
    at         timestamptz not null,
    primary key (bucket, normalised)
);

-- What admins triggered.
create table runs (
    id      bigint primary key generated always as identity,
    kind    text not null,
    series  text not null,
    who     text not null,
    why     text not null,
    detail  jsonb not null,
    readers bigint not null,
    at      timestamptz not null
);

-- What an admin did besides runs: pause, resume, suppress, test sends.
create table admin_log (
    id     bigint primary key generated always as identity,
    action text not null,
    series text,
    who    text not null,
    why    text not null,
    at     timestamptz not null
);

-- Rows that were pruned or erased, folded into totals so that the books still close.
create table step_totals (
    bucket  smallint not null,
    series  text not null,
    kind    text not null,
    step    text not null default '',
    state   text not null,
    reason  text not null default '',
    repeats boolean not null default false,
    count   bigint not null,
    primary key (bucket, series, kind, step, state, reason, repeats)
);

-- The processes' signs of life and the age of each ticker's last tick.
create table nodes (
    id         uuid primary key,
    role       text not null,
    started_at timestamptz not null,
    seen_at    timestamptz not null,
    tick_at    timestamptz
);

-- Who may be mailed what, asked by the claim and again by the `sending` mark.
create function may_be_sent(kind text, enrollment_state text) returns boolean
    immutable language sql return case kind
        when 'confirmation' then enrollment_state = 'pending'
        when 'reminder' then enrollment_state = 'pending'
        when 'already_signed_up' then enrollment_state in ('active', 'paused')
        when 'step' then enrollment_state = 'active'
        else enrollment_state in ('active', 'paused', 'completed')
    end;

-- Test sends to editors: outside the books, never to a reader.
create table test_sends (
    id         uuid primary key,
    series     text not null,
    step       text not null,
    condition  text not null,
    recipient  text not null,
    who        text not null,
    why        text not null,
    created_at timestamptz not null,
    taken_at   timestamptz,
    settled_at timestamptz,
    outcome    text
);
create index test_sends_waiting on test_sends (created_at) where settled_at is null;
