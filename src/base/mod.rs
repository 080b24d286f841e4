//! What knows no word of the domain: JSON, files, time, hashes, and the world that they come from.

pub(crate) mod cache;
pub(crate) mod disk;
pub(crate) mod file_id;
pub(crate) mod hash;
pub(crate) mod json;
pub(crate) mod lazy;
pub(crate) mod mounts;
pub(crate) mod pause;
pub(crate) mod tail;
pub(crate) mod time;
pub(crate) mod world;
