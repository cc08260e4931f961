-- Imports of readers from a file. How far each is stands here and is written with the readers themselves, so that one that is
-- broken off goes on where it was, with the same file, and takes nobody in twice. No address and no condition is in these
-- tables. `imports` and `import_refusals` are small or written once: in a sharded installation they stay on one server.
create table imports (
    id                bigint primary key generated always as identity,
    -- SHA-256 of the file, and its length
    file              bytea not null check (octet_length(file) = 32),
    octets            bigint not null,
    series            text not null,
    -- what those become whose confirmation the file tells of
    state             text not null check (state in ('pending', 'active')),
    dry_run           boolean not null,
    who               text not null,
    why               text not null,
    -- Real time.
    at                timestamptz not null,
    ended_at          timestamptz,
    -- The place: a chunk of the file by its first octet, its end and its first line, and the bucket of it that is next.
    at_octet          bigint not null,
    until_octet       bigint not null,
    at_line           bigint not null,
    at_bucket         smallint not null default 0,
    -- Series time: when the next confirmation is due. They have a pace, so that they hold up nobody else's mail.
    next_confirmation timestamptz not null,
    active            bigint not null default 0,
    pending           bigint not null default 0,
    refused           bigint not null default 0
) with (fillfactor = 50);
create unique index imports_one_at_a_time on imports (file, series, state, dry_run) where ended_at is null;

create table import_refusals (
    import bigint not null references imports on delete cascade,
    line   bigint not null,
    reason text not null,
    primary key (import, line)
);

-- Which addresses an import that goes on has met, as keyed hashes.
create table import_addresses (
    bucket  smallint not null,
    import  bigint not null,
    address bytea not null check (octet_length(address) = 16),
    primary key (bucket, import, address)
);
