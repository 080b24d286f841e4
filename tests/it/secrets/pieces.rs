//! Whether a text shows any of many secrets.

use std::collections::HashMap;

/// So many signs in a row tell a secret. Fewer stand by chance in an id or a hash.
const LENGTH: usize = 10;

/// All pieces of the secrets, so that a text is read once for all of them.
pub(super) struct Pieces {
    whose: HashMap<[u8; LENGTH], usize>,
    /// For the hash of a piece, whether there may be one: nearly all of a text fails here.
    bits: Vec<u64>,
}

impl Pieces {
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut pieces = Self { whose: HashMap::new(), bits: vec![0; 1 << 16] };
        for (number, secret) in secrets.into_iter().enumerate() {
            for line in secret.split_whitespace() {
                for piece in line.as_bytes().windows(LENGTH) {
                    let (word, bit) = place(piece);
                    pieces.bits[word] |= bit;
                    pieces.whose.insert(piece.try_into().unwrap(), number);
                }
            }
        }
        pieces
    }

    /// Which secret's, and the piece of it that is printed, or shows once a page's frames and line ends are taken away.
    pub(super) fn leak(&self, shown: &str) -> Option<(usize, String)> {
        let mut joined = Vec::with_capacity(shown.len());
        for part in
            shown.replace("\\n", "").replace("\\r", "").split(|c: char| c.is_whitespace() || "│|┆╎└…·\\\"".contains(c))
        {
            joined.extend_from_slice(part.as_bytes());
        }
        self.find(shown.as_bytes()).or_else(|| self.find(&joined))
    }

    fn find(&self, text: &[u8]) -> Option<(usize, String)> {
        text.windows(LENGTH).find_map(|piece| {
            let (word, bit) = place(piece);
            let number = (self.bits[word] & bit != 0).then(|| self.whose.get(piece)).flatten()?;
            Some((*number, String::from_utf8_lossy(piece).into_owned()))
        })
    }
}

/// The place of a piece among the bits.
fn place(piece: &[u8]) -> (usize, u64) {
    let hash = u64::from_le_bytes(piece[..8].try_into().unwrap()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (usize::try_from(hash >> 48).unwrap(), 1 << (hash >> 42 & 63))
}
