//! agentmon: how are my background coding agents doing?
#![expect(dead_code, reason = "being built")]

mod declared;
mod disk;
mod model;
mod process;
mod record;
mod render;
mod repository;
mod scrub;
mod text;
mod time;
mod world;

pub use disk::Disk;
pub use time::Time;
pub use world::{Terminal, World};
