//! Hashes of bytes, and of texts for the event log.

/// A quick hash, the same on every machine and in every version.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64 ^ bytes.len() as u64;
    let (words, rest) = bytes.as_chunks();
    for word in words {
        state = mix(state, u64::from_le_bytes(*word));
    }
    let mut word = [0; 8];
    word[..rest.len()].copy_from_slice(rest);
    mix(state, u64::from_le_bytes(word))
}

/// Puts a second value into a hash; the order matters.
pub(crate) fn mix(state: u64, word: u64) -> u64 {
    let mixed = (state ^ word).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    (mixed ^ (mixed >> 32)).rotate_left(23)
}

/// FNV-1a over the parts, each closed by a byte that no text contains. It must be the same in every
/// version of the program, which the standard library's hashers do not promise.
pub(crate) fn stable_hash<'a>(parts: impl IntoIterator<Item = &'a str>) -> u64 {
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
    use crate::base::hash::stable_hash;

    #[test]
    fn a_hash_is_stable_and_keeps_parts_apart() {
        assert_eq!(stable_hash([]), 0xcbf2_9ce4_8422_2325);
        assert_eq!(stable_hash(["poll", "/srv/shop"]), 0xfa89_1d2a_3604_daed);
        assert_ne!(stable_hash(["ab", "c"]), stable_hash(["a", "bc"]));
        assert_ne!(stable_hash(["a"]), stable_hash(["a", ""]));
    }
}
