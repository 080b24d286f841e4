//! Tests through the whole program: recordings of real clients, real processes, bad input, the binary itself.
#![expect(clippy::unwrap_used, reason = "tests")]

mod bad_input;
mod ground;
mod lab;
mod recordings;
mod surroundings;
