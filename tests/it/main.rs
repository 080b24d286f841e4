//! Tests through the whole program: recordings of real clients, real processes, bad input, the binary itself.
#![expect(clippy::unwrap_used, reason = "tests")]

mod any_input;
mod bad_input;
mod bad_status;
mod binary;
mod clients;
mod demo;
mod everywhere;
mod ground;
mod hostile;
mod lab;
mod laid_out;
mod mixed;
mod opencode;
#[cfg(target_os = "linux")] // where there is a `/proc`
mod processes;
mod recordings;
mod report;
mod rows;
mod schema;
mod surroundings;
mod traces;
