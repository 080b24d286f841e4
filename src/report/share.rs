//! A stretch cut to a period.
