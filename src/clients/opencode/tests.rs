//! Messages of real shapes, and what they amount to; sessions that are read again and again while they grow.
