-- The reader's own calendar: a pause that ends by itself, another spacing, "the next part now", another address, and a fresh
-- link for what a forwarded mail may not do.

-- Series time: when a pause ends by itself; none for one that only its reader ends.
alter table enrollments add column paused_until timestamptz;
-- Local days between two parts, instead of the series' own delays in days.
alter table enrollments add column spacing smallint check (spacing between 1 and 366);
-- Real time: when the reader last asked for the next part now.
alter table enrollments add column hurried_at timestamptz;
-- A pending enrollment under a new address, and the one whose place it takes when it is confirmed. That may lie in another
-- bucket, so there is no foreign key.
alter table enrollments add column moves_bucket smallint;
alter table enrollments add column moves_enrollment uuid;
alter table enrollments add constraint enrollments_moves_check check ((moves_bucket is null) = (moves_enrollment is null));
-- Both are empty but for the few that wait, and no update on a mail's way touches their columns.
create index enrollments_paused_until on enrollments (paused_until) where state = 'paused' and paused_until is not null;
create index enrollments_moving on enrollments (moves_enrollment) where moves_enrollment is not null;

-- What a reader agreed to on the page behind a fresh link.
alter table consents drop constraint consents_action_check;
alter table consents add constraint consents_action_check
    check (action in ('sign-up', 'confirm', 'unsubscribe', 'not-me', 'change-condition', 'change-address'));

alter table deliveries drop constraint deliveries_kind_check;
alter table deliveries add constraint deliveries_kind_check check (kind in
    ('confirmation', 'reminder', 'already_signed_up', 'fresh_link', 'step', 'correction'));

-- A fresh link goes to whoever has an enrollment, also one that has ended: that is how its reader exports and erases. A
-- suppressed address gets nothing, as ever.
create or replace function may_be_sent(kind text, enrollment_state text) returns boolean
    immutable language sql return case kind
        when 'confirmation' then enrollment_state = 'pending'
        when 'reminder' then enrollment_state = 'pending'
        when 'already_signed_up' then enrollment_state in ('active', 'paused')
        when 'fresh_link' then enrollment_state not in ('suppressed', 'erased')
        when 'step' then enrollment_state = 'active'
        else enrollment_state in ('active', 'paused', 'completed')
    end;
