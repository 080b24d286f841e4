//! Every family of credentials in every way that it comes to stand in a log: none is in any output, in the record, in
//! what a command is told, or in the cache.
//!
//! Samples are put together at run time, so that scanners of this repository stay quiet.

mod pieces;
mod ways;
mod written;

use std::fmt::Write as _;
use std::fs;

use crate::bad_input::{NOW, now};
use crate::ground::{Ground, run};
use crate::hostile::{claude, codex, status};
use crate::lab::{HOME, Lab, Output};
use pieces::Pieces;

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

/// Every form of the output, and a page of a task in each state: of other tasks for the next family.
fn outputs(lab: &Lab, family: usize) -> Vec<(String, Output)> {
    let forms = ["--format lines -v", "--format table -v", "--format json", "--attention"].map(str::to_owned);
    let pages = (0..3).map(|state| format!("explain w{}", (family + 7 * state) % 18));
    let logs = (0..3).flat_map(|state| {
        let line = format!("log w{} -v -n 1000", (family + 7 * state) % 18);
        [format!("{line} --json"), line]
    });
    let run = |line: &str| lab.run(now(), &["--since", "all"].into_iter().chain(line.split(' ')).collect::<Vec<_>>());
    forms.into_iter().chain(pages).chain(logs).map(|line| (line.clone(), run(&line))).collect()
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
    for (number, Family { name, text, body }) in families().into_iter().enumerate() {
        let texts = encodings(&text);
        pairs += texts.len();
        let (lab, pieces) = (machine(&texts), Pieces::new([body.as_str()]));
        for (place, output) in outputs(&lab, number) {
            shown += output.out.matches("[redacted:").count();
            for text in [&output.out, &output.err] {
                leaks.extend(pieces.leak(text).map(|(_, piece)| {
                    let line = text.lines().find(|line| pieces.leak(line).is_some()).unwrap_or_default();
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
    for (turn, Family { name, text, body }) in families().into_iter().enumerate() {
        let (ground, pieces) = (Ground::new(), Pieces::new([body.as_str()]));
        // What is kept is scrubbed as what is shown: a third of the encodings, of the next family another third.
        for (number, (_, text)) in encodings(&text).iter().enumerate().skip(turn % 3).step_by(3) {
            let folder = ground.path(&format!("shop/.worktrees/w{number}"));
            fs::create_dir_all(&folder).unwrap();
            let rows = named(number, text, folder.to_str().unwrap(), ["", "question", "error"][number / 3 % 3]);
            let slug = folder.to_str().unwrap().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
            ground.write(&format!("home/.claude/projects/{slug}/s{number}.jsonl"), &rows);
            ground.write(&format!("shop/.worktrees/d{number}/status.json"), &status(text, "failed"));
        }
        let command = "cat >>told; env | grep AGENTMON >>told; cat told | tail -n 3 >&2; true";
        let ran = run(&mut ground.program(&["--now", NOW, "--since", "all", "-v", "--on-change", command]));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let record = fs::read_to_string(ground.record_path()).unwrap();
        let told = fs::read_to_string(ground.path("home/told")).unwrap();
        assert!(record.matches("[redacted:").count() > 7 && told.lines().count() > 10, "{name}: {told}");
        let mut texts = vec![("stdout", ran.out), ("stderr", ran.err), ("record", record), ("command", told)];
        for cache in ground.caches() {
            texts.push(("cache", String::from_utf8_lossy(&fs::read(cache).unwrap()).into_owned()));
        }
        for page in [
            "status --format html",
            "status --format markdown",
            "status --format prometheus",
            "status --format junit",
            "status --format github",
            "report --format html",
            "errors --resolved",
            "events",
        ] {
            let line: Vec<&str> = page.split(' ').chain(["--now", NOW, "--since", "all"]).collect();
            let ran = ground.run(&line);
            assert_eq!(ran.code, Some(0), "{page}: {ran:?}");
            texts.push((page, ran.out));
        }
        for (place, text) in texts {
            let line = text.lines().find(|line| pieces.leak(line).is_some()).unwrap_or_default();
            assert_eq!(pieces.leak(&text), None, "{name}, {place}: {line}");
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
