//! Tests through the whole program: recordings of real clients, real processes, bad input, the binary itself.
#![expect(clippy::unwrap_used, reason = "tests")]

mod binary;
mod demo;
mod lab;
#[cfg(target_os = "linux")] // where there is a `/proc`
mod processes;
mod recordings;
