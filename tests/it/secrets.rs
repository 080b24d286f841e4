//! Every family of credentials in every way that it comes to stand in a log: none is in any output, in the record, in
//! what a command is told, or in the cache.
//!
//! Samples are put together at run time, so that scanners of this repository stay quiet.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::bad_input::{NOW, now};
use crate::ground::{Ground, run};
use crate::hostile::{claude, codex, status};
use crate::lab::{HOME, Lab, Output, WORKTREE};
use crate::recordings::recordings;
use crate::rows::logs;

const RANDOM: &str =
    "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6lM9oR2tU5xY8rA4nG1iL7qS0wX3zD6fV9cP2uB5kO8jH1tE4yM7vN0sQkL4pR7dF2gT6";
const HEX: &str = "3f9a0c5e7b1d24688e6f1a2b9c0d4e7f5a3b6c8d1e2f40917a5b3c9d8e0f6142";
const UPPER: &str = "Q3EGXW7ZPLM2VTRN";

/// Its name, how it is written, and the part of it that nobody may see.
struct Family {
    name: &'static str,
    text: String,
    body: String,
}

fn family(name: &'static str, before: &[&str], body: &str, after: &str) -> Family {
    Family { name, text: [&before.concat(), body, after].concat(), body: body.to_owned() }
}

fn random(length: usize) -> &'static str {
    &RANDOM[..length]
}

fn families() -> Vec<Family> {
    makers().into_iter().chain(others()).collect()
}

/// Known by what their makers begin them with.
fn makers() -> Vec<Family> {
    vec![
        family("anthropic", &["sk-", "ant-", "api03-"], &random(93)[..90], "AA"),
        family("openai project", &["sk-", "proj-"], random(90), ""),
        family("openai service", &["sk-", "svcacct-"], random(80), ""),
        family("openrouter", &["sk-", "or-", "v1-"], HEX, ""),
        family("aws key id", &["AK", "IA"], UPPER, ""),
        family("aws secret", &["aws_secret_", "access_key = "], &[&RANDOM[..20], "/", &RANDOM[30..49]].concat(), ""),
        family("google api", &["AI", "za"], &["SyD", &RANDOM[..32]].concat(), ""),
        family("google oauth", &["ya", "29."], random(70), ""),
        family("google client", &["GOC", "SPX-"], random(28), ""),
        family("azure storage", &["Account", "Key="], &[&RANDOM[..86], "=="].concat(), ""),
        family("github classic", &["gh", "p_"], random(36), ""),
        family("github app", &["gh", "s_"], random(36), ""),
        family("github fine-grained", &["github", "_pat_"], &[&RANDOM[..22], "_", &RANDOM[..59]].concat(), ""),
        family("gitlab", &["gl", "pat-"], random(20), ""),
        family("slack bot", &["xo", "xb-123456789012-123456789012-"], random(24), ""),
        family(
            "slack webhook",
            &["https://hooks.", "slack.com/services/"],
            &["T0AB2CD3E/B0FG4HI5J/", random(24)].concat(),
            "",
        ),
        family("discord webhook", &["https://dis", "cord.com/api/webhooks/123456789012345678/"], random(68), ""),
        family("stripe", &["sk", "_live_"], random(24), ""),
        family("sendgrid", &["S", "G."], &[&RANDOM[..22], ".", &RANDOM[30..73]].concat(), ""),
        family("mailgun", &["ke", "y-"], &HEX[..32], ""),
        family("npm", &["np", "m_"], random(36), ""),
        family("pypi", &["pyp", "i-"], &["AgEIcHlwaS5vcmc", &RANDOM[..80]].concat(), ""),
        family("docker", &["dckr", "_pat_"], random(27), ""),
        family("hugging face", &["h", "f_"], random(34), ""),
        family("groq", &["gs", "k_"], random(52), ""),
        family("xai", &["xa", "i-"], random(80), ""),
        family("digital ocean", &["dop", "_v1_"], HEX, ""),
        family("shopify", &["shp", "at_"], &HEX[..32], ""),
        family("databricks", &["da", "pi"], &HEX[..32], ""),
        family("vault", &["hv", "s."], random(90), ""),
        family("grafana", &["gl", "sa_"], &[&RANDOM[..32], "_3f9a0c5e"].concat(), ""),
        family("twilio", &["S", "K"], &HEX[..32], ""),
        family("bedrock", &["AB", "SK"], &RANDOM[..100], "=="),
        family("gemini", &["A", "Q."], &["Ab8RN6", &RANDOM[..44]].concat(), ""),
        family("gitlab routable", &["gl", "pat-"], &[&RANDOM[..27], ".", "01", "0a1b2c3d4"].concat(), ""),
        family(
            "teams webhook",
            &["https://x.webhook.", "office.com/webhookb2/"],
            &["3f9a0c5e-7b1d@", &HEX[..36], "/IncomingWebhook/", &HEX[..32]].concat(),
            "",
        ),
    ]
}

/// Known by how they are made, or by what stands before them.
fn others() -> Vec<Family> {
    let jwt = format!("{}.{}.{}", &RANDOM[..33], &RANDOM[8..80], &RANDOM[20..63]);
    let pem = ["-----BEGIN RSA PRIV", "ATE KEY-----\n"].concat();
    let end = pem.trim_end().replace("BEGIN", "END");
    let lines = format!("{}\n{}\n{}\n", &RANDOM[..64], &RANDOM[10..74], &RANDOM[24..60]);
    let telegram = [&RANDOM[3..35], "Xy4"].concat();
    vec![
        family("telegram", &["1234567890", ":"], &telegram, ""),
        family("jwt", &["ey", "J"], &jwt, ""),
        family("pem", &[&pem], &lines, &end),
        family("password in an address", &["postgres://", "shop:"], "hunter2-tr0ub4dor", "@db.internal/shop"),
        family("bearer", &["Bea", "rer "], random(40), ""),
        family("basic", &["Authorization: ", "Basic "], &[&RANDOM[..38], "=="].concat(), ""),
        family("password", &["DB_", "PASSWORD="], "hunter2-tr0ub4dor", ""),
        family("short name of a password", &["DB_", "PASS="], "hunter2-tr0ub4dor", ""),
        family("password of a user", &["curl -u ", "admin:"], "hunter2-tr0ub4dor", " https://example.org"),
        family("signed address", &["https://s3.example.org/k?X-Amz-Sig", "nature="], HEX, ""),
    ]
}

/// The ways in which it comes to stand in a log.
fn encodings(secret: &str) -> Vec<(&'static str, String)> {
    let json = serde_json::to_string(&serde_json::json!({"output": format!("line\n{secret}\nnext")})).unwrap();
    let percent = |text: &str| {
        text.bytes().fold(String::new(), |mut all, byte| {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => all.push(char::from(byte)),
                _ => drop(write!(all, "%{byte:02X}")),
            }
            all
        })
    };
    let halves = |gap: &str| {
        let (left, right) = secret.split_at(secret.len() - secret.len() * 2 / 5);
        format!("as wide as pages are when they wrap what they show: {left}{gap}{right}\nand on")
    };
    vec![
        ("plain", format!("it says {secret} and goes on")),
        ("in JSON", json.clone()),
        ("in JSON in JSON", serde_json::to_string(&json).unwrap()),
        ("in JSON with slashes", json.replace('/', "\\/")),
        ("over lines", halves("\n")),
        ("over lines that are indented", halves("\r\n    ")),
        ("over lines in JSON", halves("\\n")),
        ("in an address", format!("GET https://example.org/path?v={secret}&y=2 failed")),
        ("in an address, encoded", format!("GET https://example.org/path?v={}&y=2 failed", percent(secret))),
        ("in arguments", format!("tool --verbose --key {secret} --other")),
        ("in a list of arguments", serde_json::to_string(&["tool", "--key", secret, "--other"]).unwrap()),
        ("in an assignment", format!("export SOME_NAME={secret}\nmake")),
        ("in an assignment, quoted", format!("SOME_NAME=\"{secret}\" make")),
        ("in a header", format!("curl -H 'X-Auth: {secret}' -v")),
        ("in a change", format!("@@ -1 +1 @@\n-key: old\n+key: {secret}\n ...")),
        ("in YAML", format!("env:\n  KEY: >-\n    {secret}\n  NEXT: 1")),
        ("in a page", format!("<code>{secret}</code> &quot;{secret}&quot;")),
        ("in a header of its own line", format!("> Host: x\n> Authorization: Bearer {secret}\n> Accept: */*")),
    ]
}

/// Every form of the output, and the pages of the tasks whose clients tell most.
fn outputs(lab: &Lab) -> Vec<(String, Output)> {
    let forms = ["--format lines -v", "--format table -v", "--format json", "--attention"].map(str::to_owned);
    let pages = (0..18).map(|number| format!("explain w{number}"));
    let run = |line: &str| lab.run(now(), &["--since", "all"].into_iter().chain(line.split(' ')).collect::<Vec<_>>());
    forms.into_iter().chain(pages).map(|line| (line.clone(), run(&line))).collect()
}

/// Eight signs of it in a row, as printed or once a page's frames and line ends are taken away.
fn leak<'a>(shown: &str, body: &'a str) -> Option<&'a str> {
    let is_frame = |c: char| c.is_whitespace() || "│|┆╎└…·\\\"".contains(c);
    let joined = shown.replace("\\n", "").replace("\\r", "").replace(is_frame, "");
    let pieces = body
        .split(|c: char| c.is_whitespace())
        .flat_map(|line| (0..(line.len() + 1).saturating_sub(8)).map(move |at| &line[at..at + 8]));
    pieces.into_iter().find(|piece| shown.contains(piece) || joined.contains(piece))
}

fn worktree(number: usize) -> String {
    format!("/srv/shop/.worktrees/w{number}")
}

/// A machine on which each task knows the secret in another way.
fn machine(texts: &[(&str, String)]) -> Lab {
    let lab = Lab::new();
    for (number, (_, text)) in texts.iter().enumerate() {
        let folder = worktree(number);
        lab.worktree(&folder);
        let state = ["", "question", "error"][number % 3];
        lab.write(
            &format!("{HOME}/.claude/projects/-srv-shop--worktrees-w{number}/s{number}.jsonl"),
            &named(number, text, &folder, state),
        );
        let other = format!("/srv/shop/.worktrees/c{number}");
        lab.worktree(&other);
        lab.write(&format!("{HOME}/.codex/sessions/2026/11/20/rollout-{number}.jsonl"), &codex(text, &other));
        let word = ["", "failed", "waiting", "running"][number % 4];
        lab.write(&format!("/srv/shop/.worktrees/d{number}/status.json"), &status(text, word));
    }
    lab
}

/// Its rows with a name of its own: all sessions of one name would be one.
fn named(number: usize, text: &str, folder: &str, state: &str) -> String {
    let name = |text: &str| format!("\"sessionId\":{}", serde_json::to_string(text).unwrap());
    claude(text, folder, state).replace(&name(text), &name(&format!("s{number} {text}")))
}

#[test]
fn no_family_in_no_encoding_is_shown() {
    let mut leaks = Vec::new();
    let (mut pairs, mut shown) = (0, 0);
    for Family { name, text, body } in families() {
        let texts = encodings(&text);
        pairs += texts.len();
        let lab = machine(&texts);
        for (place, output) in outputs(&lab) {
            shown += output.out.matches("[redacted:").count();
            for text in [&output.out, &output.err] {
                leaks.extend(leak(text, &body).map(|piece| {
                    let line = text.lines().find(|line| leak(line, &body).is_some()).unwrap_or_default();
                    format!("{name}, {place}: `{piece}` in {}", line.trim())
                }));
            }
        }
    }
    assert!(pairs >= 25 * 8 && shown > pairs * 10, "the cases prove nothing: {pairs} pairs, {shown} redacted");
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
}

#[test]
fn none_is_kept_or_told_to_a_command() {
    for Family { name, text, body } in families() {
        let ground = Ground::new();
        for (number, (_, text)) in encodings(&text).iter().enumerate() {
            let folder = ground.path(&format!("shop/.worktrees/w{number}"));
            fs::create_dir_all(&folder).unwrap();
            let rows = named(number, text, folder.to_str().unwrap(), ["", "question", "error"][number % 3]);
            let slug = folder.to_str().unwrap().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
            ground.write(&format!("home/.claude/projects/{slug}/s{number}.jsonl"), &rows);
            ground.write(&format!("shop/.worktrees/d{number}/status.json"), &status(text, "failed"));
        }
        let command = "cat >>told; env | grep AGENTMON >>told; cat told | tail -n 3 >&2; true";
        let ran = run(&mut ground.program(&["--now", NOW, "--since", "all", "-v", "--on-change", command]));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let record = fs::read_to_string(ground.record_path()).unwrap();
        let told = fs::read_to_string(ground.path("home/told")).unwrap();
        assert!(record.matches("[redacted:").count() > 20 && told.lines().count() > 30, "{name}: {told}");
        let mut texts = vec![("stdout", ran.out), ("stderr", ran.err), ("record", record), ("command", told)];
        for cache in ground.caches() {
            texts.push(("cache", String::from_utf8_lossy(&fs::read(cache).unwrap()).into_owned()));
        }
        for page in ["report --format html", "errors --all-errors", "events"] {
            let line: Vec<&str> = page.split(' ').chain(["--now", NOW, "--since", "all"]).collect();
            let ran = ground.run(&line);
            assert_eq!(ran.code, Some(0), "{page}: {ran:?}");
            texts.push((page, ran.out));
        }
        for (place, text) in texts {
            let line = text.lines().find(|line| leak(line, &body).is_some()).unwrap_or_default();
            assert_eq!(leak(&text, &body), None, "{name}, {place}: {line}");
        }
    }
}

#[test]
fn a_picture_is_left_alone_and_other_base64_is_not() {
    let secret = &families()[10].text;
    let text = base64(format!("some bytes, among them {secret}, and more").as_bytes());
    let picture = base64(&[b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", RANDOM.as_bytes()].concat());
    let lab =
        machine(&[("in base64", format!("it says {text} and on")), ("a picture", format!("it says {picture} and on"))]);
    let report = lab.status(now()).to_string();
    assert!(report.contains(&picture) && !report.contains(&text), "{report}");
}

fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let sign = SIGNS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(sign) } else { '=' });
        }
    }
    text
}

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

/// Three of each, from a generator of its own: the same at each run.
fn written() -> Vec<Family> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    let each = WRITTEN.iter().cycle().take(3 * WRITTEN.len());
    let make = |(before, alphabet, length): &Written| {
        let body: String = (0..*length).map(|_| char::from(alphabet.as_bytes()[next() % alphabet.len()])).collect();
        Family { name: before, text: before.replace('|', "") + &body, body }
    };
    each.map(make).collect()
}

/// The value with a secret in every text of more than one word: what people and programs write, and no id of a client's.
fn fill(value: &mut Value, secrets: &mut dyn Iterator<Item = &Family>) {
    match value {
        Value::String(text) if text.contains(' ') => {
            // A text that is data itself must stay so.
            match serde_json::from_str::<Value>(text) {
                Ok(mut inner @ (Value::Object(_) | Value::Array(_))) => {
                    fill(&mut inner, secrets);
                    *text = inner.to_string();
                }
                _ => text.extend([" it says ", &secrets.next().unwrap().text, " and goes on"]),
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, secrets)),
        Value::Object(members) => members.values_mut().for_each(|member| fill(member, secrets)),
        _ => {}
    }
}

/// The rows of a log with secrets, or a file that is one value.
fn filled(text: &str, secrets: &mut dyn Iterator<Item = &Family>) -> String {
    let mut one = |text: &str| {
        let mut value = serde_json::from_str::<Value>(text).ok()?;
        fill(&mut value, secrets);
        Some(value.to_string())
    };
    if let Some(whole) = one(text) {
        return whole;
    }
    text.lines().map(|line| one(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one way in after the other, and all ways out")]
fn three_hundred_formats_come_through_no_client() {
    let families = written();
    assert!(families.len() >= 300, "{}", families.len());
    let mut secrets = families.iter().cycle();
    let (mut shown, mut leaks, mut clients) = (0, Vec::new(), BTreeSet::new());
    // One of each four of a client's is enough of the same.
    for recording in recordings().into_iter().step_by(4) {
        let logs = logs(&recording.folder.join("end"));
        let ground = Ground::new();
        let lab = Lab::new();
        let at = recording.at("ended_at") + 1000;
        lab.write(
            "/home/dev/.gemini/projects.json",
            &serde_json::json!({"projects": {WORKTREE: "task-x"}}).to_string(),
        );
        for (path, text) in &logs {
            lab.write(&format!("{HOME}/{path}"), &filled(text, &mut secrets));
            let here =
                filled(text, &mut secrets).replace(WORKTREE, ground.path("shop/.worktrees/task-x").to_str().unwrap());
            ground.write(&format!("home/{path}"), &here);
        }
        let mut texts = Vec::new();
        for line in [
            "--format lines -v",
            "--format table -v",
            "--format json",
            "explain task-x",
            "clients",
            "--format json --anonymize",
        ] {
            let output = lab.run(at, &["--since", "all"].into_iter().chain(line.split(' ')).collect::<Vec<_>>());
            texts.extend([(line, output.out), (line, output.err)]);
        }
        let now = chrono::DateTime::from_timestamp_millis(at).unwrap().to_rfc3339();
        ground.run(&[
            "--now",
            &now,
            "--since",
            "all",
            "--on-change",
            "cat >>told; env | grep AGENTMON >>told; cat told >&2",
        ]);
        for page in [
            "report --format html",
            "report --format markdown",
            "report --format json",
            "errors --all-errors --format json",
            "events",
            "events --format json",
        ] {
            let ran = ground.run(&page.split(' ').chain(["--now", &now, "--since", "all"]).collect::<Vec<_>>());
            texts.extend([(page, ran.out), (page, ran.err)]);
        }
        for file in ground.caches().into_iter().chain([ground.record_path(), ground.path("home/told")]) {
            texts.push(("a file", String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned()));
        }
        for (place, text) in texts {
            shown += text.matches("[redacted:").count();
            clients.insert(recording.name.split('/').next().unwrap_or_default().to_owned());
            let found = families.iter().find_map(|family| Some((family, leak(&text, &family.body)?)));
            leaks.extend(
                found.map(|(family, piece)| format!("{}, {place}: {}, `{piece}`", recording.name, family.text)),
            );
        }
    }
    assert!(shown > 80 && clients.len() > 4, "the case proves nothing: {shown} redacted of {clients:?}");
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
}
