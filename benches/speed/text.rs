//! What the generated sessions are about: random numbers, and source text with realistic escapes.

use serde_json::Value;

/// Repeatable random numbers (`SplitMix64`).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `limit`, which must not be 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn index(&mut self, limit: usize) -> usize {
        usize::try_from(self.below(limit as u64)).unwrap_or_default()
    }

    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    pub(crate) fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.index(of.len())]
    }

    /// A name such as `toolu_01c32c84…`.
    pub(crate) fn name(&mut self, prefix: &str) -> String {
        format!("{prefix}{:016x}", self.next())
    }

    pub(crate) fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        let (a, b, c) = (high >> 32, (high >> 16) & 0xffff, high & 0xfff);
        format!("{a:08x}-{b:04x}-4{c:03x}-8{:03x}-{:012x}", (low >> 48) & 0xfff, low & 0xffff_ffff_ffff)
    }

    /// The length of a payload: straight lines on a log scale between these (chance in 10,000, bytes).
    pub(crate) fn payload(&mut self) -> usize {
        const CURVE: [(u32, f64); 7] = [
            (0, 60.0),
            (5_000, 500.0),
            (8_000, 1_800.0),
            (9_300, 8_000.0),
            (9_720, 60_000.0),
            (9_980, 420_000.0),
            (10_000, 1_600_000.0),
        ];
        let at = u32::try_from(self.below(10_000)).unwrap_or_default();
        let after = CURVE.iter().position(|(chance, _)| at < *chance).unwrap_or(CURVE.len() - 1);
        let ((from, low), (to, high)) = (CURVE[after - 1], CURVE[after]);
        let part = f64::from(at - from) / f64::from(to - from);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 60 and 1,600,000")]
        let bytes = (low * (high / low).powf(part)) as usize;
        bytes
    }
}

/// Source text as JSON strings hold it, to be cut at line ends so that no escape is torn.
pub(crate) struct Pool {
    text: String,
    starts: Vec<usize>,
    base64: String,
}

impl Pool {
    pub(crate) fn new(seed: u64) -> Self {
        const BYTES: usize = 4 << 20;
        const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut random = Random::new(seed);
        let image = (0..1 << 17).flat_map(|_| random.next().to_le_bytes());
        let base64 = image.map(|byte| char::from(BASE64[usize::from(byte % 64)])).collect();
        let mut pool = Self { text: String::with_capacity(BYTES + 4096), starts: Vec::new(), base64 };
        while pool.text.len() < BYTES {
            pool.starts.push(pool.text.len());
            let quoted = Value::from(source_line(&mut random) + "\n").to_string();
            pool.text.push_str(&quoted[1..quoted.len() - 1]);
        }
        pool
    }

    /// Whole lines, about `bytes` long, and not longer unless one line alone is.
    pub(crate) fn take(&self, random: &mut Random, bytes: usize) -> &str {
        // Of the lines behind the first eighth none starts too late for a long cut.
        let first = random.index(self.starts.len() / 8);
        let from = self.starts[first];
        let last = self.starts.partition_point(|start| *start <= from + bytes) - 1;
        &self.text[from..self.starts[last.max(first + 1)]]
    }

    /// What stands for an image; at most 1 MiB.
    pub(crate) fn image(&self, random: &mut Random, bytes: usize) -> &str {
        let bytes = bytes.min(self.base64.len());
        let from = random.index(self.base64.len() - bytes + 1);
        &self.base64[from..from + bytes]
    }
}

fn source_line(random: &mut Random) -> String {
    const NAMES: [&str; 8] = ["token", "cursor", "ledger", "größe", "row", "parse_escape", "invoice", "状態"];
    let (a, b, n) = (random.pick(&NAMES), random.pick(&NAMES), random.below(10_000));
    match random.below(16) {
        0..4 => format!("    let {a}_{n} = {b}.get(\"{a}\").copied().unwrap_or({n});"),
        4..6 => format!("pub fn {a}_{n}({b}: &str) -> Result<(), Error> {{"),
        6..8 => format!("        return Err(format!(\"{a}: {{}} at {n}\\n\", {b}));"),
        8 => format!("\tif ({a} == '\\\\' && {b} != '\"') {{ {a} += {n}; }}"),
        9 => format!("    // {a} is never older than {b} → see {n}"),
        10 => format!("def {a}_{n}(self, {b}=None):\n    \"\"\"Split {b} at blanks.\"\"\"\n    return self.{b}[{n}:]"),
        11 => format!("C:\\Users\\dev\\{a}\\{b}{n}.txt: No such file or directory"),
        // What looks like a log row, inside a string.
        12 => format!(
            r#"{{"type":"user","message":{{"role":"user","content":[{{"type":"tool_result","content":"{a}","is_error":true,"tool_use_id":"toolu_{n}"}}]}}}}"#
        ),
        13 => format!(
            r#"{{"type":"assistant","message":{{"id":"msg_{n}","usage":{{"input_tokens":{n},"output_tokens":{n}}}}},"timestamp":"2099-01-01T00:00:00Z"}}"#
        ),
        14 => String::new(),
        _ => "}".to_owned(),
    }
}
