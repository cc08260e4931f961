-- Tables that grow: what is old can be found and pruned, and pages and vacuum fit how each table's rows live. Measured with
-- twenty full turns of 48,000 readers' rows; the figures are in docs/OPERATIONS.md, "Growing". SQL never calls now().

-- Set when the deliveries of an ended enrollment were folded into step_totals. The enrollment itself stays: its done_steps
-- say where a reader who comes back goes on.
alter table enrollments add column pruned_at timestamptz;
-- What the clean-up looks at, and nothing else: one entry when an enrollment ends, none from its pruning on.
create index enrollments_ended on enrollments (bucket, ended_at, id) where ended_at is not null and pruned_at is null;

-- Accepted deliveries of a run that were pruned since, so that its progress says what it said.
alter table runs add column accepted_pruned bigint not null default 0;

-- The buckets there are. A statement that must look across all of them joins this table: on a sharded PostgreSQL, where it
-- is distributed like the others, each server then looks at its own buckets; see docs/OPERATIONS.md.
create table buckets (
    bucket smallint primary key check (bucket between 0 and 63)
);
insert into buckets select generate_series(0, 63);

-- No update of a delivery is a HOT one: each changes its state, which the partial indexes ask for. Room that is kept free in
-- its pages is therefore room for nothing: without it the table is a tenth smaller, and no more is written. Dead versions
-- are many and their space is wanted at once, so the vacuum comes at 2 % (as since the first migration).
alter table deliveries set (fillfactor = 100, autovacuum_vacuum_scale_factor = 0.02);

-- An enrollment grows by the key of each step that was accepted, and no index asks for that: with a fifth of each page free
-- 85 % of these updates are HOT, which write no index; with full pages it was half. More room gains little.
alter table enrollments set (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

-- Written once and never changed: vacuumed after 5 % more rows, not 20 %, so that the clean-up's room is used again and
-- index-only scans can be, and frozen by that same vacuum, so that none has to come only for that when the table is large.
alter table attempts set (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_freeze_min_age = 0);
alter table consents set (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_freeze_min_age = 0);

-- A few rows that are updated again and again, in columns that no index has: half a page for their next versions.
alter table step_totals set (fillfactor = 50);
alter table nodes set (fillfactor = 50);
