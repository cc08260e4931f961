-- A suppressed address is mailed one thing: the fresh link that it asks for itself, to take out or erase what is stored. That
-- ends nothing of the suppression. Where nobody reads the mail, not even that.
create function suppression_stops(reason text, kind text) returns boolean
    immutable language sql return kind <> 'fresh_link' or reason in ('no_such_user', 'bounce');

create or replace function may_be_sent(kind text, enrollment_state text) returns boolean
    immutable language sql return case kind
        when 'confirmation' then enrollment_state = 'pending'
        when 'reminder' then enrollment_state = 'pending'
        when 'already_signed_up' then enrollment_state in ('active', 'paused')
        when 'fresh_link' then enrollment_state <> 'erased'
        when 'move' then enrollment_state = 'pending'
        when 'moved' then enrollment_state not in ('suppressed', 'erased')
        when 'step' then enrollment_state = 'active'
        else enrollment_state in ('active', 'paused', 'completed')
    end;

-- Who has gone to an identity provider to sign in, and may come back once: a hash of what went along and of what the browser
-- keeps. Real time. It stays on one server, as all of the admins' tables.
create table admin_elsewhere (
    hash       bytea primary key check (octet_length(hash) = 32),
    -- the page that they wanted to see
    next       text not null,
    expires_at timestamptz not null
);
