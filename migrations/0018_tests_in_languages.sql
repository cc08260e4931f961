-- The language of a test; empty for the series' own.
alter table test_sends add column language text not null default '';
