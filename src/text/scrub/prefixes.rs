//! Credentials that their makers gave a public prefix.

/// A credential is its prefix and a body.
pub(super) struct Format {
    pub(super) prefix: &'static str,
    pub(super) kind: &'static str,
    pub(super) alphabet: Alphabet,
    /// The shortest body that is one.
    pub(super) min: usize,
    /// The usual length of the body, `OPEN` if there is none. If it is `min`, no other length will do.
    pub(super) full: usize,
}

/// What a body consists of.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Alphabet {
    Hex,
    Upper,
    Alnum,
    /// Letters, digits, `_` and `-`.
    Word,
    /// The same after a prefix that innocent names may have too: part of the body must look random.
    WeakWord,
    /// `Word` and dots.
    Dotted,
    /// Base64, with padding.
    Base64,
    /// `Word`, slashes and `@`: the rest of an address.
    Path,
    /// What may follow `Bearer`; as weak as `WeakWord`.
    WeakToken,
    /// Names and values between `=`, `:`, `;` and `$`.
    Fields,
    /// One UUID or several.
    Uuid,
}

use super::bytes::{Found, LOOK, has_both_cases, has_digit_and_letter, next_line, run};
use Alphabet::{Alnum, Base64, Dotted, Fields, Hex, Path, Upper, Uuid, WeakToken, WeakWord, Word};

impl Alphabet {
    fn has(self, b: u8) -> bool {
        match self {
            Hex => b.is_ascii_hexdigit(),
            Upper => b.is_ascii_uppercase() || b.is_ascii_digit(),
            Alnum => b.is_ascii_alphanumeric(),
            Word | WeakWord => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'),
            Dotted => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'),
            Base64 => b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='),
            Path => b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'/' | b'@'),
            WeakToken => b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b),
            Fields => b.is_ascii_alphanumeric() || b"-._=:;$".contains(&b),
            Uuid => b.is_ascii_hexdigit() || b == b'-',
        }
    }

    fn is_weak(self) -> bool {
        matches!(self, WeakWord | WeakToken)
    }
}

/// For a body without a usual length.
const OPEN: usize = usize::MAX;

const fn format(prefix: &'static str, kind: &'static str, alphabet: Alphabet, min: usize, full: usize) -> Format {
    Format { prefix, kind, alphabet, min, full }
}

/// The longer of two prefixes that begin alike comes first.
#[rustfmt::skip]
pub(super) static FORMATS: &[Format] = &[
    format("sk-ant-", "anthropic", Word, 20, 101),
    format("sk-or-", "openrouter", Word, 20, 67),
    format("sk-proj-", "openai", Word, 20, 156),
    format("sk-svcacct-", "openai", Word, 20, 156),
    format("sk-admin-", "openai", Word, 20, 156),
    format("sk-lf-", "langfuse", Word, 36, OPEN),
    format("sk-", "api-key", WeakWord, 20, 48),
    format("sess-", "openai", Alnum, 40, OPEN),
    format("rt.1.", "codex", Dotted, 24, OPEN),
    format("rt_", "codex", WeakWord, 24, OPEN),
    format("1//0", "google", Word, 24, OPEN),
    format("v1.0-", "cloudflare", Word, 60, OPEN),
    format("cfut_", "cloudflare", Word, 24, OPEN),
    format("cfat_", "cloudflare", Word, 24, OPEN),
    format("cfk_", "cloudflare", Word, 24, OPEN),
    format("crsr_", "cursor", Word, 24, OPEN),
    format("key_", "cursor", WeakWord, 32, OPEN),
    format("fk-", "factory", WeakWord, 24, OPEN),
    format("sgamp_", "amp", Word, 24, OPEN),
    format("napi_", "neon", Alnum, 24, OPEN),
    format("sk_org_live_", "stripe", Alnum, 16, OPEN),
    format("sk_org_test_", "stripe", Alnum, 16, OPEN),
    format("shpua_", "shopify", Hex, 32, 32),
    format("shptka_", "shopify", Hex, 32, 32),
    format("ATSTT3", "atlassian", Dotted, 40, OPEN),
    format("sbp_oauth_", "supabase", Hex, 40, 40),
    format("lin_oauth_", "linear", Alnum, 30, OPEN),
    format("figu_", "figma", Word, 24, OPEN),
    format("dckr_oat_", "docker", Word, 20, OPEN),
    format("glrtr-", "gitlab", Dotted, 20, OPEN),
    format("glwt-", "gitlab", Dotted, 20, OPEN),
    format("AGE-SECRET-KEY-PQ-1", "age", Upper, 50, OPEN),
    format("bkua_", "buildkite", Alnum, 40, 40),
    format("CCIPAT_", "circleci", Word, 24, OPEN),
    format("CCIPRJ_", "circleci", Word, 24, OPEN),
    format("sqp_", "sonar", Hex, 40, 40),
    format("squ_", "sonar", Hex, 40, 40),
    format("sqa_", "sonar", Hex, 40, 40),
    format("secret_", "notion", WeakWord, 32, OPEN),
    format("AKID", "tencent", Alnum, 32, 36),
    format("AQVN", "yandex", Word, 32, OPEN),
    format("y0_", "yandex", Word, 40, OPEN),
    format("oy2", "nuget", Alnum, 43, 43),
    format("EZTK", "easypost", Alnum, 54, 54),
    format("duffel_", "duffel", Word, 40, OPEN),
    format("dnkey-", "defined", Word, 60, OPEN),
    format("tfp_", "typeform", Dotted, 40, OPEN),
    format("s-s4t2ud-", "intra42", Hex, 64, 64),
    format("s-s4t2af-", "intra42", Hex, 64, 64),
    format("tk-us-", "scalingo", Word, 40, OPEN),
    format("sm_pat_", "settlemint", Alnum, 16, 16),
    format("sm_aat_", "settlemint", Alnum, 16, 16),
    format("sm_sat_", "settlemint", Alnum, 16, 16),
    format("aio_", "adafruit", Alnum, 28, 28),
    format("NRII-", "new-relic", Word, 32, OPEN),
    format("dp.ct.", "doppler", Alnum, 30, OPEN),
    format("dp.sa.", "doppler", Alnum, 30, OPEN),
    format("dp.scim.", "doppler", Alnum, 30, OPEN),
    format("dp.audit.", "doppler", Alnum, 30, OPEN),
    format("hvr.", "vault", Word, 24, OPEN),
    format("phc_", "posthog", Alnum, 40, OPEN),
    format("sl.", "dropbox", Word, 130, OPEN),
    format("b_", "beamer", Word, 44, 44),
    format("pat-na1-", "hubspot", Word, 36, 36),
    format("pat-eu1-", "hubspot", Word, 36, 36),
    format("access-sandbox-", "plaid", Word, 36, 36),
    format("access-development-", "plaid", Word, 36, 36),
    format("access-production-", "plaid", Word, 36, 36),
    format("SSWS ", "okta", WeakToken, 20, OPEN),
    format("tid=", "github-copilot", Fields, 60, OPEN),
    format("access_token$production$", "braintree", Fields, 49, 49),
    format("access_token$sandbox$", "braintree", Fields, 49, 49),
    format("xaat-", "axiom", Uuid, 36, 36),
    format("xapt-", "axiom", Uuid, 36, 36),
    format("waka_", "wakatime", Uuid, 36, 36),
    format("sdk-", "launchdarkly", Uuid, 36, 36),
    format("mob-", "launchdarkly", Uuid, 36, 36),
    format("api-", "launchdarkly", Uuid, 36, 36),
    format("sub-c-", "pubnub", Uuid, 36, 36),
    format("luma-", "luma", Uuid, 73, 73),
    format("persona_production_", "persona", Uuid, 36, 36),
    format("persona_sandbox_", "persona", Uuid, 36, 36),
    format("mlsn.", "mailersend", Hex, 64, 64),
    format("zpka_", "zuplo", Word, 32, OPEN),
    format("ck_", "woocommerce", Hex, 40, 40),
    format("cs_", "woocommerce", Hex, 40, 40),
    format("NRJS-", "new-relic", Hex, 19, 19),
    format("GOOG", "google", Upper, 20, 20),
    format("endr+", "endor", Alnum, 16, 16),
    format("discord.com/api/v6/webhooks/", "discord-webhook", Path, 40, 87),
    format("discord.com/api/v7/webhooks/", "discord-webhook", Path, 40, 87),
    format("discord.com/api/v8/webhooks/", "discord-webhook", Path, 40, 87),
    format("discord.com/api/v9/webhooks/", "discord-webhook", Path, 40, 87),
    format("discord.com/api/v10/webhooks/", "discord-webhook", Path, 40, 87),
    format("discord.com/api/v11/webhooks/", "discord-webhook", Path, 40, 87),
    format("AKIA", "aws", Upper, 16, 16),
    format("ASIA", "aws", Upper, 16, 16),
    format("ABIA", "aws", Upper, 16, 16),
    format("ACCA", "aws", Upper, 16, 16),
    format("ABSK", "aws", Base64, 60, OPEN),
    format("bedrock-api-key-", "aws", Base64, 40, OPEN),
    format("AIza", "google", Word, 30, 35),
    format("AQ.", "google", Word, 40, OPEN),
    format("ya29.", "google", Dotted, 20, OPEN),
    format("GOCSPX-", "google", Word, 20, 28),
    format("AccountKey=", "azure", Base64, 40, 88),
    format("SharedAccessKey=", "azure", Base64, 40, 44),
    format("ghp_", "github", Alnum, 20, 36),
    format("gho_", "github", Alnum, 20, 36),
    format("ghu_", "github", Alnum, 20, 36),
    format("ghs_", "github", Dotted, 20, 36), // newer ones hold a JWT
    format("ghr_", "github", Alnum, 20, 36),
    format("github_pat_", "github", Word, 20, 82),
    format("glpat-", "gitlab", Dotted, 20, OPEN),
    format("gldt-", "gitlab", Dotted, 20, OPEN),
    format("glrt-", "gitlab", Dotted, 20, OPEN),
    format("glptt-", "gitlab", Word, 20, 40),
    format("glcbt-", "gitlab", Word, 20, OPEN),
    format("glft-", "gitlab", Word, 20, OPEN),
    format("glimt-", "gitlab", Word, 20, OPEN),
    format("glagent-", "gitlab", Word, 20, OPEN),
    format("gloas-", "gitlab", Word, 20, OPEN),
    format("glsoat-", "gitlab", Word, 20, OPEN),
    format("glffct-", "gitlab", Word, 20, OPEN),
    format("GR1348941", "gitlab", Word, 20, OPEN),
    format("xoxa-", "slack", Word, 16, OPEN),
    format("xoxb-", "slack", Word, 16, OPEN),
    format("xoxc-", "slack", Word, 16, OPEN),
    format("xoxd-", "slack", Word, 16, OPEN),
    format("xoxe-", "slack", Word, 16, OPEN),
    format("xoxe.", "slack", WeakToken, 16, OPEN),
    format("xoxo-", "slack", Word, 16, OPEN),
    format("xoxp-", "slack", Word, 16, OPEN),
    format("xoxr-", "slack", Word, 16, OPEN),
    format("xoxs-", "slack", Word, 16, OPEN),
    format("xapp-", "slack", Word, 20, OPEN),
    format("hooks.slack.com/services/", "slack-webhook", Path, 24, 44),
    format("hooks.slack.com/workflows/", "slack-webhook", Path, 24, OPEN),
    format("hooks.slack.com/triggers/", "slack-webhook", Path, 24, OPEN),
    format("webhook.office.com/webhookb2/", "teams-webhook", Path, 36, OPEN),
    format("discord.com/api/webhooks/", "discord-webhook", Path, 40, 87),
    format("discordapp.com/api/webhooks/", "discord-webhook", Path, 40, 87),
    format("sk_live_", "stripe", Alnum, 16, OPEN),
    format("sk_test_", "stripe", Alnum, 16, OPEN),
    format("rk_live_", "stripe", Alnum, 16, OPEN),
    format("rk_test_", "stripe", Alnum, 16, OPEN),
    format("sk_prod_", "stripe", Alnum, 16, OPEN),
    format("rk_prod_", "stripe", Alnum, 16, OPEN),
    format("whsec_", "stripe", Base64, 24, OPEN),
    format("SG.", "sendgrid", Dotted, 40, 66),
    format("key-", "mailgun", Hex, 32, 32),
    format("npm_", "npm", Alnum, 30, 36),
    format("pypi-", "pypi", Word, 50, OPEN),
    format("rubygems_", "rubygems", Hex, 48, 48),
    format("dckr_pat_", "docker", Word, 20, 27),
    format("hf_", "hugging-face", Alnum, 30, 34),
    format("api_org_", "hugging-face", Alnum, 30, 34),
    format("r8_", "replicate", Alnum, 30, 37),
    format("gsk_", "groq", Alnum, 30, 52),
    format("xai-", "xai", Alnum, 40, 80),
    format("pplx-", "perplexity", Alnum, 30, OPEN),
    format("nvapi-", "nvidia", Word, 40, OPEN),
    format("tvly-", "tavily", Word, 20, OPEN),
    format("dop_v1_", "digital-ocean", Hex, 40, OPEN),
    format("doo_v1_", "digital-ocean", Hex, 40, OPEN),
    format("dor_v1_", "digital-ocean", Hex, 40, OPEN),
    format("shpat_", "shopify", Hex, 32, 32),
    format("shpca_", "shopify", Hex, 32, 32),
    format("shppa_", "shopify", Hex, 32, 32),
    format("shpss_", "shopify", Hex, 32, 32),
    format("lin_api_", "linear", Alnum, 30, 40),
    format("ntn_", "notion", Alnum, 30, 46),
    format("dapi", "databricks", Hex, 32, 32),
    format("hvs.", "vault", Word, 24, OPEN),
    format("hvb.", "vault", Word, 24, OPEN),
    format("dp.pt.", "doppler", Alnum, 30, 43),
    format("dp.st.", "doppler", Dotted, 30, OPEN),
    format("sntrys_", "sentry", Dotted, 40, OPEN),
    format("sntryu_", "sentry", Hex, 40, 64),
    format("glsa_", "grafana", Word, 32, 41),
    format("glc_", "grafana", Base64, 32, OPEN),
    format("eyJrIjoi", "grafana", Base64, 60, OPEN),
    format("sbp_", "supabase", Hex, 40, 40),
    format("sb_secret_", "supabase", Word, 20, OPEN),
    format("figd_", "figma", Word, 30, 40),
    format("tskey-", "tailscale", Word, 20, OPEN),
    format("PMAK-", "postman", Word, 40, 59),
    format("ATATT3", "atlassian", Dotted, 40, OPEN),
    format("ATCTT3", "atlassian", Dotted, 40, OPEN),
    format("ATBB", "bitbucket", Alnum, 32, 32),
    format("AGE-SECRET-KEY-1", "age", Upper, 58, 58),
    format("ops_ey", "1password", Base64, 60, OPEN),
    format("LTAI", "alibaba", Alnum, 16, 20),
    format("AKCp", "artifactory", Alnum, 69, 69),
    format("cmVmd", "artifactory", Alnum, 59, 59),
    format("sk_", "elevenlabs", Hex, 48, 48),
    format("csk-", "cerebras", Alnum, 40, 48),
    format("fw_", "fireworks", Alnum, 22, 24),
    format("tgp_v1_", "together", Word, 40, 43),
    format("jina_", "jina", Word, 40, 60),
    format("lsv2_pt_", "langsmith", Word, 40, 43),
    format("lsv2_sk_", "langsmith", Word, 40, 43),
    format("ctx7sk-", "context7", Word, 30, 36),
    format("e2b_", "e2b", Hex, 40, 40),
    format("fc-", "firecrawl", Hex, 32, 32),
    format("vck_", "vercel", Alnum, 24, OPEN),
    format("vcp_", "vercel", Alnum, 24, OPEN),
    format("nfp_", "netlify", Alnum, 36, OPEN),
    format("rnd_", "render", Alnum, 28, OPEN),
    format("re_", "resend", WeakWord, 30, 33),
    format("fo1_", "fly", Word, 40, 43),
    format("fm1a_", "fly", Base64, 60, OPEN),
    format("fm1r_", "fly", Base64, 60, OPEN),
    format("fm2_", "fly", Base64, 60, OPEN),
    format("HRKU-", "heroku", Word, 36, OPEN),
    format("NRAK-", "new-relic", Upper, 27, 27),
    format("dt0c01.", "dynatrace", Dotted, 80, 89),
    format("pul-", "pulumi", Hex, 40, 40),
    format("pscale_tkn_", "planetscale", Dotted, 32, OPEN),
    format("pscale_oauth_", "planetscale", Dotted, 32, OPEN),
    format("pscale_pw_", "planetscale", Dotted, 32, OPEN),
    format("pnu_", "prefect", Alnum, 36, 36),
    format("phx_", "posthog", Word, 40, OPEN),
    format("rdme_", "readme", Alnum, 70, 70),
    format("sgp_", "sourcegraph", Word, 40, OPEN),
    format("sha256~", "openshift", Word, 43, 43),
    format("shippo_live_", "shippo", Hex, 40, 40),
    format("sq0atp-", "square", Word, 22, OPEN),
    format("sq0csp-", "square", Word, 40, OPEN),
    format("xkeysib-", "brevo", Word, 80, 81),
    format("xsmtpsib-", "brevo", Word, 80, 81),
    format("CFPAT-", "contentful", Word, 40, 43),
    format("CLOJARS_", "clojars", Alnum, 60, 60),
    format("cio", "crates-io", Alnum, 32, 32),
    format("EZAK", "easypost", Alnum, 54, 54),
    format("FLWSECK", "flutterwave", Word, 20, OPEN),
    format("fio-u-", "frame-io", Word, 60, 64),
    format("ico-", "infracost", Alnum, 32, 32),
    format("p8e-", "adobe", Alnum, 32, 32),
    format("API-", "octopus", Upper, 26, 26),
    format("EAA", "facebook", Alnum, 80, OPEN),
    format("SK", "twilio", Hex, 32, 32),
    format("Bearer ", "bearer", WeakToken, 16, OPEN),
    format("bearer ", "bearer", WeakToken, 16, OPEN),
];

/// For each beginning of three bytes, whether a prefix may begin with it: nearly all words fail here.
static BEGINNINGS: [u64; 512] = {
    let mut bits = [0; 512];
    let mut i = 0;
    while i < FORMATS.len() {
        let prefix = FORMATS[i].prefix.as_bytes();
        // After a prefix of two bytes anything may come.
        let mut third = 0;
        while third < 32 {
            if prefix.len() == 2 || prefix[2] & 31 == third {
                let slot = slot(prefix[0], prefix[1], third);
                bits[slot / 64] |= 1 << (slot % 64);
            }
            third += 1;
        }
        i += 1;
    }
    bits
};

/// The place of a beginning among the bits: five bits tell letters apart.
const fn slot(first: u8, second: u8, third: u8) -> usize {
    ((first & 31) as usize) << 10 | ((second & 31) as usize) << 5 | (third & 31) as usize
}

/// For each first byte, the first format that begins with it, and behind each format the next one that begins alike.
static CHAINS: ([Option<usize>; 128], [Option<usize>; FORMATS.len()]) = {
    let (mut heads, mut nexts) = ([None; 128], [None; FORMATS.len()]);
    let mut number = FORMATS.len();
    while number > 0 {
        number -= 1;
        let first = FORMATS[number].prefix.as_bytes()[0] as usize;
        nexts[number] = heads[first];
        heads[first] = Some(number);
    }
    (heads, nexts)
};

/// The credential that begins at `at`, where a word begins.
pub(super) fn find(text: &[u8], at: usize) -> Option<Found> {
    let rest = &text[at..];
    let [first, second, third, ..] = *rest else {
        return None;
    };
    let slot = slot(first, second, third);
    if BEGINNINGS[slot / 64] >> (slot % 64) & 1 == 0 {
        return None;
    }
    let same = std::iter::successors(CHAINS.0[usize::from(first & 127)], |&number| CHAINS.1[number]);
    let formats = same.map(|number| &FORMATS[number]);
    formats.filter(|format| rest.starts_with(format.prefix.as_bytes())).find_map(|format| {
        let end = format.end(text, at + format.prefix.len())?;
        Some(Found { range: at..end, kind: format.kind })
    })
}

impl Format {
    /// Where the body that begins at `from` ends, if it is one. It may be wrapped over lines.
    fn end(&self, text: &[u8], from: usize) -> Option<usize> {
        let run = |at: usize, limit| run(&text[at..], limit, |b| self.alphabet.has(b));
        let mut length = run(from, LOOK);
        let mut end = from + length;
        while length < self.min {
            let next = next_line(text, end)?;
            let more = run(next, LOOK);
            if more < 8 {
                return None;
            }
            (length, end) = (length + more, next + more);
        }
        let fits = if self.min == self.full { length == self.full } else { self.is_convincing(&text[from..end]) };
        if !fits {
            return None;
        }
        let more = run(end, usize::MAX);
        (length, end) = (length + more, end + more);
        while let Some(next) = next_line(text, end).filter(|_| length < self.full) {
            let more = run(next, LOOK);
            if more < 8 || (length + more != self.full && !has_digit_and_letter(&text[next..next + more])) {
                break;
            }
            let more = run(next, usize::MAX);
            (length, end) = (length + more, next + more);
        }
        // A dot at the end belongs to the sentence.
        let dots = text[from..end].iter().rev().take_while(|&&b| b == b'.').count();
        Some(end - dots)
    }

    /// Whether a body looks random rather than like words or a placeholder.
    fn is_convincing(&self, body: &[u8]) -> bool {
        if self.alphabet.is_weak() {
            body.split(|b| !b.is_ascii_alphanumeric()).any(|part| part.len() >= 12 && has_digit_and_letter(part))
        } else {
            has_digit_and_letter(body) || has_both_cases(body)
        }
    }
}
