//! Tests through the whole program: recordings of real clients, real processes, bad input, the binary itself.
#![expect(clippy::unwrap_used, reason = "tests")]

mod anonymize;
mod any_input;
mod any_text;
mod bad_input;
mod bad_status;
mod binary;
mod cases;
mod clean;
mod clients;
mod config;
mod demo;
mod docs;
mod errors;
mod events;
mod everywhere;
mod faults;
mod ground;
mod hostile;
mod lab;
mod laid_out;
mod layers;
mod left;
#[cfg(feature = "sqlite")]
mod mixed;
mod on_change;
#[cfg(feature = "sqlite")]
mod opencode;
mod outlook;
mod outputs;
#[cfg(target_os = "linux")] // where there is a `/proc`
mod processes;
mod recordings;
mod report;
mod rows;
mod run;
mod run_times;
mod schema;
mod secrets;
mod surroundings;
mod traces;
mod unread;
mod wait;
mod watch;
#[expect(dead_code, reason = "the library's own tests ask for more of it")]
#[path = "../../src/record/history/tests/weeks.rs"]
mod weeks;
