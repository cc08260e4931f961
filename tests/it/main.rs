//! The stories: a reader, an admin, a crash. One binary, one private PostgreSQL, a database for each test.
#[path = "../support/mod.rs"]
mod support;

mod admin;
mod bench;
mod citus;
mod confirm;
mod crash;
mod demo;
mod dispatch;
mod faults;
mod growth;
mod guards;
mod guards_flood;
mod layering;
mod locks;
mod logs;
mod main_job;
mod manage;
mod manage_address;
mod manage_fresh;
mod manage_scanner;
mod migrate;
mod nodes;
mod outages;
mod plans;
mod privacy;
mod recover;
mod relays;
mod retention;
mod sign_up;
mod sign_up_load;
mod stuck;
mod torture;
mod unsubscribe;
mod voices;
mod voices_survey;
