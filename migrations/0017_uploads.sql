-- Files that come over the web. Each is kept in pieces of one length, sealed, since addresses and conditions are in it, until its
-- import has ended or was cancelled. `uploads` and `upload_pieces` are short-lived: in a sharded installation they stay on one
-- server.
create table uploads (
    id bigint primary key generated always as identity,
    -- Real time.
    at timestamptz not null
);
create table upload_pieces (
    upload bigint not null references uploads on delete cascade,
    number integer not null,
    sealed bytea not null,
    primary key (upload, number)
);
alter table upload_pieces alter column sealed set storage external;

alter table imports
    -- Where its file is; none for one of the command line, and when it is over.
    add column upload bigint references uploads on delete set null,
    -- The dry run whose file it takes in. It does so once.
    add column follows bigint references imports on delete set null,
    add column cancelled boolean not null default false,
    -- Why it could not go on.
    add column fault text;
create unique index imports_follow_once on imports (follows) where follows is not null;
create index imports_of_uploads on imports (upload) where upload is not null;
