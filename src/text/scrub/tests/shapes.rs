//! Credentials as their makers write them. Random signs stand for the likes of `{h40}`.

/// So many of an alphabet stand in braces; `{U}` is a UUID. `|` parts a beginning, so that scanners of this repository stay
/// quiet.
#[rustfmt::skip]
pub(crate) static SHAPES: &[&str] = &[
    "ap|ify_api_{a36}", "1/12000{d11}:{h32}", "sc_{l6}.{l4}.acc_{l8}.{u40}", "bb|_pr_{h30}", "bb|_live_{u27}", "cu|_{h32}",
    "4b1d{a38}", "pk_{d7}_{C32}", "api_{a21}.{a22}", "sk-{h32}", "odt|_{a32}", "endr|+{a16}", "duffel_|test_{u43}",
    "FLW|SECK_TEST-{h32}-X", "gb|_api_{a38}", "dG9r{b55}=", "isat|_{a32}", "jca|_{a36}", "pk_{h34}", "sk-|lf-{U}", "sdk-{U}",
    "api-{U}", "mob-{U}", "live_{h35}", "test_{h35}", "{h32}-us12", "mlsn|.{h64}", "md-{u22}", "pk.{a60}.{a22}",
    "sk.{a60}.{a22}", "{a6}_{a29}_mmk", "mdb|_sa_sk_{u40}", "NRJS-{h19}", "eu01xx{h30}NRAL", "2{a26}_{a21}", "ak_{a36}",
    "00{u40}", "u+{u18}", "sk_live_{h40}", "persona_|production_{U}", "pcsk|_{a5}_{a63}", "polar|_oat_{a43}", "sub-c-{U}",
    "sec-c-{b48}", "ramp_|tok_{a48}", "{l10}msh{l15}p1{h6}jsn{l12}", "rzp|_live_{a14}", "retool|_01{l27}", "rootly|_{h64}",
    "rpa|_{C44}", "samsara|_api_{a30}", "scp-|live-{h32}", "sgp|_{a64}", "xkeysib-{h64}-{a16}", "xsmtpsib-{h64}-{a16}",
    "xoxe.xoxp|-1-{b160}", "EAAA{u60}", "secret-{a43}", "hawk|.{u20}.{u20}", "tss|_{a30}", "1-{a64}", "oauth:{l30}",
    "AAAAAAAAAAAAAAAAAAAA{b90}", "BBFF-{a30}", "AKLT{a43}", "VF|.DM.{h24}.{a16}", "wandb|_v1_{a77}", "waka|_{U}",
    "{u64}_PF84_{U}", "sk_|test_{a99}", "{b43}=", "t1.{u80}.{u86}", "YC{u38}", "zpka|_{h32}_{h8}", "llx|-{a48}", "fpk|_{a24}",
    "ak-{a22}", "as-{a22}", "{a8}.{a32}", "m0|-{a40}", "sk-|helicone-{l7}-{l7}-{l7}-{l7}", "unkey|_{a22}",
    "signkey-|prod-{h64}", "tr|_prod_{a20}", "xaat|-{U}", "xapt|-{U}", "hcaik|_01{l56}", "hcxik|_01{l56}", "pylf|_v1_us_{a43}",
    "sk|_car_{u22}", "{U}:{h32}", "key|_{h128}", "luma-{U}-{U}", "ck|_{h40}", "cs|_{h40}",
    "access_token$production${l16}${h32}", "AQE{b80}", "live_{u30}", "live_{u40}", "{b86}==", "{u32}", "{a34}",
    "eyJ2ZXIiOiIyIiwidHlwIjoi{a80}", "gha_{a36}", "rk_prod_{a99}", "sk-|oai-{a44}", "clh_{a40}", "cpk_{h32}.{h32}.{a32}",
    "npk_{a48}", "gpat-{u36}", "hpat_{u40}", "sq0idp-{u22}", "EAAC{a150}", "IGQV{a150}", "ctp_{a48}", "whk_{h64}",
    "pk_sbox_{l32}", "nk_{C56}", "SU{C56}", "SA{C56}", "pvt_{u44}", "djb_{h40}", "uk1_{a32}", "ory_|at_{u43}.{u43}",
    "ory_|pat_{a32}", "zitadel_{u70}", "frg_{l36}", "mlpat_{a52}", "cld_{u86}", "kvt-{l40}", "dsk_{a38}.{a12}", "AKCP{a65}",
    "Zx9{u37}", "q7{l38}", "{C5}-{C5}-{C5}-{C5}-{C5}", "ey.{u90}", "b64.{b60}", "GCP{l24}", "GOOG{C20}", "GOOG1E{C56}",
    "{l48}", "{a24}", "{u28}", "v2.{u22}.{u86}", "{h34}", "{H34}", "{H40}",
];

/// The same numbers at each run.
pub(crate) struct Dice(u64);

impl Default for Dice {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Dice {
    pub(crate) fn pick(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or_default() % count
    }

    pub(crate) fn signs(&mut self, alphabet: &str, count: usize) -> String {
        (0..count).map(|_| char::from(alphabet.as_bytes()[self.pick(alphabet.len())])).collect()
    }

    /// A text of this shape, and where its random part begins.
    pub(crate) fn text(&mut self, shape: &str) -> (String, usize) {
        let (mut text, mut from, mut rest) = (String::new(), None, shape);
        while let Some((before, (class, after))) =
            rest.split_once('{').and_then(|(before, part)| Some((before, part.split_once('}')?)))
        {
            text.extend(before.split('|'));
            from.get_or_insert(text.len());
            text += &self.class(class);
            rest = after;
        }
        text.extend(rest.split('|'));
        (text, from.unwrap_or_default())
    }

    fn class(&mut self, class: &str) -> String {
        const SMALL: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
        const LARGE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        const BOTH: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/-_";
        let (kind, count) = class.split_at(1);
        let alphabet = match kind {
            "U" => return [8, 4, 4, 4, 12].map(|count| self.signs("0123456789abcdef", count)).join("-"),
            "d" => "0123456789",
            "h" => "0123456789abcdef",
            "H" => "0123456789ABCDEF",
            "l" => SMALL,
            "C" => LARGE,
            "a" => &BOTH[..62],
            "b" => &BOTH[..64],
            _ => return self.signs(BOTH, count.parse().unwrap_or_default()).replace(['+', '/'], "x"),
        };
        self.signs(alphabet, count.parse().unwrap_or_default())
    }
}
