//! The local machinery behind `regimen demo` and the tests.
pub mod smtp;
