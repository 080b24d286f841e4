//! Rows of real shapes, and what they amount to.
