-- What admins look for: readers, the newest first, by state and by a part of the address.

-- One page of the list is the next few entries of one of these, however many readers there are. Both only grow at one end,
-- and an enrollment's state changes a few times in its life.
create index enrollments_listed on enrollments (created_at, id);
create index enrollments_by_state on enrollments (state, created_at, id);

-- A part of an address is found by its groups of three letters. PostgreSQL's own extension does that; where it is not
-- installed, or may not be made, everything else works and a rare part of an address takes a walk over all of them.
do $$
begin
    create extension if not exists pg_trgm;
exception when undefined_file or feature_not_supported or insufficient_privilege then
    raise notice 'pg_trgm is not to be had here: searching for a part of an address will read all addresses';
end $$;
do $$
begin
    if exists (select from pg_extension where extname = 'pg_trgm') then
        create index subscribers_found on subscribers using gin (normalised gin_trgm_ops);
    end if;
end $$;
