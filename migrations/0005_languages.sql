-- The language that a reader reads: that of the page on which they signed up. Who signed up before had no other choice.
alter table enrollments add column language text not null default 'en' check (language in ('en', 'es'));
