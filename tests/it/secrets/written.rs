//! Credentials as their makers write them, from a generator.

#[path = "../../../src/text/scrub/tests/shapes.rs"]
mod shapes;

use shapes::{Dice, SHAPES};

use super::Family;

/// An alphabet and a length, as a maker writes a credential.
type Written = (&'static str, &'static str, usize);

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
const ALNUM: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const URL64: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
const BASE64: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
const CAPITALS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const HEXADECIMAL: &str = "0123456789abcdef";

/// Listed ones and, with beginnings that no list has, those that only the general rule knows. `|` parts a beginning, so that
/// scanners of this repository stay quiet.
#[rustfmt::skip]
const WRITTEN: &[Written] = &[
    ("sk-|ant-api03-", URL64, 95), ("sk-|ant-admin01-", URL64, 95), ("sk-|ant-oat01-", URL64, 95), ("sk-|proj-", URL64, 150), ("sk-|svcacct-", URL64, 120),
    ("sk-|admin-", URL64, 120), ("sk-|or-v1-", HEXADECIMAL, 64), ("sk-|", ALNUM, 48), ("AK|IA", CAPITALS, 16), ("AS|IA", CAPITALS, 16), ("AI|za", URL64, 35),
    ("ya|29.", URL64, 120), ("1/|/0", URL64, 60), ("GOC|SPX-", URL64, 28), ("gh|p_", ALNUM, 36), ("gh|o_", ALNUM, 36), ("gh|u_", ALNUM, 36), ("gh|s_", ALNUM, 36),
    ("gh|r_", ALNUM, 76), ("github|_pat_", ALNUM, 82), ("gl|pat-", URL64, 20), ("gl|rtr-", URL64, 20), ("gl|wt-", URL64, 20), ("gl|dt-", URL64, 20), ("gl|ptt-", HEXADECIMAL, 40),
    ("xo|xb-1234567890-", ALNUM, 24), ("xo|xp-1234567890-", ALNUM, 32), ("xa|pp-1-A0-", ALNUM, 64), ("sk|_live_", ALNUM, 24), ("rk|_live_", ALNUM, 24),
    ("sk|_org_live_", ALNUM, 32), ("wh|sec_", ALNUM, 32), ("np|m_", ALNUM, 36), ("dckr|_pat_", URL64, 27), ("dckr|_oat_", URL64, 32), ("h|f_", ALNUM, 34), ("gs|k_", ALNUM, 52),
    ("xa|i-", ALNUM, 80), ("dop|_v1_", HEXADECIMAL, 64), ("shp|at_", HEXADECIMAL, 32), ("shp|ua_", HEXADECIMAL, 32), ("shp|tka_", HEXADECIMAL, 32), ("lin|_api_", ALNUM, 40),
    ("lin|_oauth_", ALNUM, 64), ("ntn|_", ALNUM, 46), ("secret|_", ALNUM, 43), ("da|pi", HEXADECIMAL, 32), ("hv|s.", URL64, 90), ("hv|b.", URL64, 140), ("gl|sa_", ALNUM, 41),
    ("sb|p_", HEXADECIMAL, 40), ("sb|p_oauth_", HEXADECIMAL, 40), ("fig|d_", URL64, 40), ("fig|u_", URL64, 40), ("tskey|-auth-", ALNUM, 40), ("ATA|TT3", URL64, 180),
    ("ATS|TT3", URL64, 180), ("AGE-SECRET|-KEY-1", CAPITALS, 58), ("AGE-SECRET|-KEY-PQ-1", CAPITALS, 80), ("bk|ua_", HEXADECIMAL, 40), ("CCI|PAT_", ALNUM, 60), ("sq|p_", HEXADECIMAL, 40),
    ("sq|u_", HEXADECIMAL, 40), ("SS|WS 00", URL64, 40), ("AK|ID", ALNUM, 32), ("AQ|VN", URL64, 36), ("oy|2", LOWER, 43), ("rt|_", ALNUM, 60), ("rt|.1.", URL64, 80),
    ("cf|ut_", ALNUM, 40), ("cf|at_", ALNUM, 40), ("cf|k_", ALNUM, 40), ("v1.0|-", HEXADECIMAL, 146), ("cr|sr_", HEXADECIMAL, 64), ("ke|y_", HEXADECIMAL, 64), ("f|k-", URL64, 60),
    ("sg|amp_", ALNUM, 60), ("na|pi_", LOWER, 64), ("fw|_", ALNUM, 24), ("e2|b_", HEXADECIMAL, 40), ("nv|api-", URL64, 64), ("tv|ly-", ALNUM, 32), ("pp|lx-", ALNUM, 48), ("r8|_", ALNUM, 37),
    ("vc|p_", ALNUM, 24), ("pul|-", HEXADECIMAL, 40), ("PM|AK-", HEXADECIMAL, 59), ("dp.|pt.", ALNUM, 43), ("dp.|ct.", ALNUM, 43), ("rubygems|_", HEXADECIMAL, 48), ("sntry|u_", HEXADECIMAL, 64),
    ("", ALNUM, 32), ("", ALNUM, 40), ("", ALNUM, 64), ("", URL64, 43), ("", URL64, 64), ("", BASE64, 44), ("", BASE64, 88), ("zz_", ALNUM, 24), ("zz-", ALNUM, 32), ("acme_live_", ALNUM, 24),
    ("acme_pat_", ALNUM, 40), ("qx-", URL64, 40), ("qx_", LOWER, 32), ("qx_", LOWER, 40), ("w9.", URL64, 48), ("tok_", HEXADECIMAL, 40), ("acme_sk_", HEXADECIMAL, 64), ("ZZT", CAPITALS, 40),
    ("KX-", CAPITALS, 36), ("yy_v2_", ALNUM, 60),
];

/// Three of each, and one of each shape.
pub(super) fn written() -> Vec<Family> {
    let mut dice = Dice::default();
    let mut families = Vec::new();
    for (before, alphabet, length) in WRITTEN.iter().cycle().take(3 * WRITTEN.len()) {
        let body = dice.signs(alphabet, *length);
        families.push(Family { name: before, text: before.replace('|', "") + &body, body });
    }
    for shape in SHAPES {
        let (text, from) = dice.text(shape);
        families.push(Family { name: shape, body: text[from..].to_owned(), text });
    }
    families
}
