-- Who runs the service: admins with their roles, how each gets in, programs' tokens, and what all of them did. All instants are
-- real time. These tables are small: in a sharded installation they stay on one server, undistributed.

create table admins (
    id               uuid primary key,
    -- as typed, which mail goes to; and what makes two addresses the same
    address          text not null,
    normalised       text not null unique,
    name             text not null,
    role             text not null check (role in ('viewer', 'editor', 'operator', 'owner')),
    -- Argon2id with its parameters and salt; none until a password is chosen
    password_hash    text,
    password_set_at  timestamptz,
    -- The second factor's secret, sealed as the conditions are. It is asked for once it was confirmed with a code.
    second_factor    bytea,
    second_factor_at timestamptz,
    -- the time step of the last code that was taken, so that each is good once
    last_code        bigint not null default 0,
    created_at       timestamptz not null,
    signed_in_at     timestamptz,
    disabled_at      timestamptz
);

-- Codes for whoever has lost the second factor, as hashes; each is good once.
create table admin_recovery_codes (
    admin   uuid not null references admins,
    hash    bytea not null check (octet_length(hash) = 32),
    used_at timestamptz,
    primary key (admin, hash)
);

-- Who is signed in. The token is in the browser's cookie and only its hash is here. A session that waits for the second
-- factor may do nothing else, and is replaced by another one after it.
create table admin_sessions (
    id       uuid primary key,
    hash     bytea not null unique check (octet_length(hash) = 32),
    admin    uuid not null references admins,
    waits    boolean not null,
    -- where it was begun: an IP address
    origin   text not null,
    begun_at timestamptz not null,
    seen_at  timestamptz not null,
    ends_at  timestamptz not null
);
create index admin_sessions_admin on admin_sessions (admin);

-- Links with which an admin chooses a password, as hashes; each is good once.
create table admin_links (
    hash       bytea primary key check (octet_length(hash) = 32),
    admin      uuid not null references admins,
    expires_at timestamptz not null,
    used_at    timestamptz
);
create index admin_links_admin on admin_links (admin);

-- Mails with such a link that are owed. The link is made when the mail is, so that no row holds one that works.
create table admin_mails (
    id         uuid primary key,
    admin      uuid not null references admins,
    kind       text not null check (kind in ('invitation', 'reset')),
    created_at timestamptz not null,
    taken_at   timestamptz,
    tries      integer not null default 0,
    settled_at timestamptz,
    -- what the relay said
    outcome    text
);
create index admin_mails_open on admin_mails (created_at) where settled_at is null;

-- Tries to get in that failed. The key is a keyed hash of the account, or of the account and the network that it was tried from.
create table admin_attempts (
    kind     text not null check (kind in ('account', 'pair', 'reset')),
    key      bytea not null check (octet_length(key) = 16),
    failures integer not null,
    last_at  timestamptz not null,
    -- until when the next one is refused
    not_before timestamptz not null,
    primary key (kind, key)
) with (fillfactor = 50);
create index admin_attempts_last on admin_attempts (last_at);

-- Programs' tokens for the API. The token itself is shown once and is not here.
create table admin_tokens (
    id         uuid primary key,
    name       text not null unique,
    hash       bytea not null unique check (octet_length(hash) = 32),
    rights     text[] not null,
    made_by    uuid references admins,
    made_at    timestamptz not null,
    expires_at timestamptz,
    -- written at most once a minute
    used_at    timestamptz,
    revoked_at timestamptz
);

-- What admins and their programs did. It names no reader: a reader is the subscriber's id, which means nothing once they are
-- erased. Rows are added, and neither changed nor deleted.
create table audit_log (
    id          bigint primary key generated always as identity,
    at          timestamptz not null,
    -- 'earlier' is what was written before there were admins' accounts
    actor_kind  text not null check (actor_kind in ('admin', 'token', 'config token', 'command line', 'nobody', 'earlier')),
    actor       uuid,
    actor_name  text not null,
    -- an IP address, or none
    origin      text,
    action      text not null,
    target_kind text,
    target      text,
    reason      text,
    details     jsonb not null default '{}'
);
create index audit_log_actor on audit_log (actor_name, id desc);
create index audit_log_action on audit_log (action, id desc);
create index audit_log_target on audit_log (target, id desc);

insert into audit_log (at, actor_kind, actor_name, action, target_kind, target, reason)
select at, 'earlier', who, action, case when series is not null then 'series' end, series, why from admin_log order by id;
drop table admin_log;

create function audit_log_is_kept() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is only added to' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_log_is_kept before update or delete or truncate on audit_log
    for each statement execute function audit_log_is_kept();
