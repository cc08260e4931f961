-- The reader's own calendar: a pause that ends by itself, another spacing, "the next part now", another address, and a fresh
-- link for what a forwarded mail may not do.

-- Series time: when a pause ends by itself; none for one that only its reader ends.
alter table enrollments add column paused_until timestamptz;
-- Local days between two parts, instead of the series' own delays in days.
alter table enrollments add column spacing smallint check (spacing between 1 and 366);
-- Real time: when the reader last asked for the next part now.
alter table enrollments add column hurried_at timestamptz;
-- An enrollment under a new address, and the one whose place it takes when it is confirmed, or has taken. That may lie in
-- another bucket, so there is no foreign key. Each of the two names the other, and the tie holds only as long as both do.
alter table enrollments add column moves_bucket smallint;
alter table enrollments add column moves_enrollment uuid;
alter table enrollments add constraint enrollments_moves_check check ((moves_bucket is null) = (moves_enrollment is null));
-- The other end of the tie; and when (real time) the place was taken, none while that waits for the confirmation.
alter table enrollments add column moved_to_bucket smallint;
alter table enrollments add column moved_to uuid;
alter table enrollments add column moved_at timestamptz;
alter table enrollments add constraint enrollments_moved_check
    check ((moved_to_bucket is null) = (moved_to is null) and (moved_at is null or moved_to is not null));
-- Both are empty but for a few, and no update on a mail's way touches their columns.
create index enrollments_paused_until on enrollments (paused_until) where state = 'paused' and paused_until is not null;
create index enrollments_moving on enrollments (requested_at) where state = 'pending' and moves_enrollment is not null;

-- What a reader agreed to on the page behind a fresh link.
alter table consents drop constraint consents_action_check;
alter table consents add constraint consents_action_check
    check (action in ('sign-up', 'confirm', 'unsubscribe', 'not-me', 'change-condition', 'change-address'));

alter table deliveries drop constraint deliveries_kind_check;
alter table deliveries add constraint deliveries_kind_check check (kind in
    ('confirmation', 'reminder', 'already_signed_up', 'fresh_link', 'move', 'moved', 'step', 'correction'));

-- A fresh link goes to whoever has an enrollment, also one that has ended: that is how its reader exports and erases. A
-- suppressed address gets nothing, as ever. The note that the series goes to another address now goes to the old one, whose
-- enrollment has ended.
create or replace function may_be_sent(kind text, enrollment_state text) returns boolean
    immutable language sql return case kind
        when 'confirmation' then enrollment_state = 'pending'
        when 'reminder' then enrollment_state = 'pending'
        when 'already_signed_up' then enrollment_state in ('active', 'paused')
        when 'fresh_link' then enrollment_state not in ('suppressed', 'erased')
        when 'move' then enrollment_state = 'pending'
        when 'moved' then enrollment_state not in ('suppressed', 'erased')
        when 'step' then enrollment_state = 'active'
        else enrollment_state in ('active', 'paused', 'completed')
    end;
