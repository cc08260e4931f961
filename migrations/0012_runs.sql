-- Runs as things of their own: prepared, counted, started once, worked off bucket by bucket in small transactions, paused,
-- resumed and cancelled. A run of before was written at once, as a whole, and is under way or over.
alter table runs add column state text not null default 'finished'
    check (state in ('draft', 'running', 'paused', 'cancelled', 'finished'));
-- What a second run must not send at the same time, such as `step antibodies`; none for what cannot be doubled.
alter table runs add column sends text;
-- All real time: when the dry run was done, and whom it counted; none while it goes on.
alter table runs add column counted_at timestamptz;
alter table runs add column dry_run jsonb not null default '{}';
alter table runs add column started_at timestamptz;
alter table runs add column ended_at timestamptz;
-- What became of its deliveries, as it was when the run ended.
alter table runs add column outcome jsonb;
update runs r set started_at = at, counted_at = at,
    state = case when exists (select from deliveries d where d.run = r.id and d.state in ('pending', 'paused', 'claimed', 'sending'))
        then 'running' else 'finished' end;
update runs r set ended_at = at, outcome = (
    select coalesce(jsonb_object_agg(state, count), '{}')
        || jsonb_build_object('accepted', coalesce(sum(count) filter (where state = 'accepted'), 0) + r.accepted_pruned)
    from (select d.state, count(*) as count from deliveries d where d.run = r.id group by d.state) states)
where state = 'finished';
create unique index runs_one_at_a_time on runs (series, sends) where state in ('running', 'paused') and sends is not null;

-- How far the work on a run is. It is locked for the length of one small transaction and says where the next goes on, so a
-- process that dies takes nothing with it and two never do the same. Apart from `runs`, which whoever erases a reader updates
-- after the reader's deliveries.
create table run_work (
    run        bigint primary key references runs,
    -- the place among the enrollments: for the dry run, then for the deliveries. Behind the last bucket it is done.
    at_bucket  smallint not null default 0,
    after      uuid not null default '00000000-0000-0000-0000-000000000000',
    -- how many deliveries were made due or written, and how many were taken back
    placed     bigint not null default 0,
    taken_back bigint not null default 0,
    -- a second walk, among the run's deliveries, after a pause, a resume or a cancel
    sweep      text check (sweep in ('hold', 'release', 'take back')),
    sweep_at   smallint not null default 0,
    -- when (real time) and how many had come to an end, for the rate: of about the last minute
    marks      jsonb not null default '[]'
) with (fillfactor = 50);
insert into run_work (run, at_bucket, placed) select id, 64, readers from runs where state = 'running';

-- Whom a run is for, if somebody brought a list: subscribers, never addresses.
create table run_readers (
    bucket     smallint not null,
    run        bigint not null,
    subscriber uuid not null,
    primary key (bucket, run, subscriber),
    foreign key (bucket, subscriber) references subscribers (bucket, id) on delete cascade
);
-- For the foreign key, when a reader is erased.
create index run_readers_of_subscriber on run_readers (bucket, subscriber);

-- When a scheduled step is due by itself, while a run has made it due before: a cancelled run puts it back.
alter table deliveries add column own_due_at timestamptz;

-- How far a run is, and what of it waits in a bucket. Every change of a delivery's state writes all its index entries
-- anyway, so the state costs nothing more here.
drop index deliveries_of_run;
create index deliveries_of_run on deliveries (bucket, run, state, id) where run is not null;

-- Tests of a correction, too.
alter table test_sends add column kind text not null default 'step' check (kind in ('step', 'correction'));
