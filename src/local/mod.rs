//! What stands behind `regimen demo`: a private PostgreSQL, and a catch-all inbox with its own SMTP server.

pub mod postgres;
