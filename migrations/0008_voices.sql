-- What readers say without saying who they are: counts, and nothing finer than a day. Nothing here names a subscriber, an
-- address or a network, and no row belongs to one answer to the survey. These tables are small: in a sharded installation
-- they stay on one server, undistributed.

-- "Was this helpful?" `page` is the key of a step, the slug of a related article, or `article`.
create table helpful_votes (
    series text not null,
    kind   text not null check (kind in ('part', 'article')),
    page   text not null,
    day    date not null,
    answer text not null check (answer in ('yes', 'no')),
    votes  bigint not null check (votes >= 0),
    primary key (series, kind, page, day, answer)
) with (fillfactor = 50);

-- Forms are added five at a time, and each time all rows of the day are rewritten, also those that nothing is added to: which
-- rows were written last, by which transaction, and what they were before, then says nothing about any one form. What is left
-- when a process ends is counted on the first of the month. The question `` counts the answered forms.
create table survey_counts (
    series   text not null,
    day      date not null,
    question text not null,
    answer   text not null,
    answers  bigint not null check (answers >= 0),
    primary key (series, day, question, answer)
) with (fillfactor = 50);

-- Ballots that were used, as hashes, so that a reload or a second press counts nothing: kept until they would not be taken
-- any more. `vote` is what a "Was this helpful?" said, so that a reader can change it; a survey's ballot says nothing.
create table spent_ballots (
    ballot bytea primary key check (octet_length(ballot) = 32),
    day    date not null,
    vote   text check (vote in ('yes', 'no'))
);
create index spent_ballots_day on spent_ballots (day);

-- A client has so many ballots within an hour, as it has sign-ups.
alter table guard_windows drop constraint guard_windows_kind_check;
alter table guard_windows add constraint guard_windows_kind_check
    check (kind in ('network', 'range', 'domain', 'no_script', 'ballots'));
