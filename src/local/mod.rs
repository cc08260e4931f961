//! What stands behind `regimen demo`: a private PostgreSQL, and a catch-all inbox with its own SMTP server.

pub mod inbox;
pub mod postgres;
pub mod smtp;
