//! The record: what happened to the tasks of a repository, one JSON object a line, only ever appended to,
//! but for what is folded into summaries in time.
//!
//! `event` says what is new since the record last spoke, `history` reads what it last said, `place` finds
//! where it lies, and `append` puts the three together under a lock; what a killed writer left is for `mend`.
//! `clean` replaces the record by one that holds less, and `old` sees to it that nothing is lost by that. An event carries an id that follows
//! from what it tells, so that one made twice, by an overlapping run or after a kill, is written once.

mod append;
mod clean;
mod errors;
mod event;
mod history;
mod mend;
mod old;
mod place;
mod rows;
mod words;

#[cfg(test)]
mod kill;
#[cfg(test)]
mod samples;

pub(crate) use self::{
    append::{Appended, append},
    clean::{Cleaned, Figures, clean},
    errors::resolved,
    event::{Poll, events},
    history::History,
    place::{Place, existing, place, reopen, stored},
    rows::{Row, Rows},
};

/// FNV-1a over the parts, each closed by a byte that no text contains. It must be the same in every
/// version of the program, which the standard library's hashers do not promise.
fn hash<'a>(parts: impl IntoIterator<Item = &'a str>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn a_hash_is_stable_and_keeps_parts_apart() {
        assert_eq!(hash([]), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(["poll", "/srv/shop"]), 0xfa89_1d2a_3604_daed);
        assert_ne!(hash(["ab", "c"]), hash(["a", "bc"]));
        assert_ne!(hash(["a"]), hash(["a", ""]));
    }
}
