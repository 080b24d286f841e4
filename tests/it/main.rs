//! Tests through the whole program: recordings of real clients, real processes, bad input, the binary itself.
#![expect(clippy::unwrap_used, reason = "tests")]

mod any_input;
mod bad_input;
mod bad_status;
mod ground;
mod hostile;
mod lab;
mod recordings;
mod surroundings;
