//! regimen sends a series of e-mails to each reader, one part at a time, on that reader's own schedule.
//!
//! Dependencies point one way only: `model ← content ← store ← actions ← {web, schedule, dispatch, hooks} ← app ← bench ← cli`;
//! `transport` and `mail` belong to `dispatch` alone. `docs/ARCHITECTURE.md` follows one mail through this code.
pub mod actions;
pub mod app;
pub mod bench;
pub mod cli;
pub mod clock;
pub mod config;
pub mod content;
pub mod dispatch;
pub mod hooks;
pub mod links;
pub mod local;
pub mod mail;
pub mod messages;
pub mod metrics;
pub mod model;
pub mod schedule;
pub mod seal;
pub mod store;
pub mod telemetry;
pub mod transport;
pub mod web;
