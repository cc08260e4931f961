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
