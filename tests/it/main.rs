//! Tests through the whole program: recordings of real clients, real processes, bad input, the binary itself.
#![expect(clippy::unwrap_used, reason = "tests")]

mod binary;
mod demo;
mod lab;
mod recordings;
