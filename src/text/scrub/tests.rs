//! Samples are built at run time, so that scanners of this repository stay quiet.

mod ordinary;
mod parts;
mod shapes;

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use proptest::prelude::*;
use serde_json::Value;

use super::bytes::LOOK;
use super::prefixes::{Alphabet, FORMATS};
use super::scrub;

use ordinary::ORDINARY;
use shapes::{Dice, SHAPES};

/// Random enough, hexadecimal, and of any length.
fn body(length: usize) -> String {
    "a1B2c3D4e5F60718".chars().cycle().take(length).collect()
}

/// One credential of each kind: its visible prefix and the rest.
fn samples() -> Vec<(String, String)> {
    let mut samples: Vec<_> = FORMATS
        .iter()
        .map(|format| {
            let length = if format.full == usize::MAX { format.min + 20 } else { format.full };
            let body = body(length);
            let is_upper = format.alphabet == Alphabet::Upper;
            (format.prefix.to_owned(), if is_upper { body.to_uppercase() } else { body })
        })
        .collect();
    samples.push((["ey", "J"].concat(), format!("{}.{}.{}", body(30), body(70), body(43))));
    samples.push(("123456789:".to_owned(), body(35)));
    samples
}

/// Whether eight characters of the body can be read.
fn leaks(shown: &str, body: &str) -> bool {
    (0..=body.len() - 8).any(|at| shown.contains(&body[at..at + 8]))
}

#[test]
fn every_format_in_every_place() {
    for (prefix, body) in samples() {
        let key = format!("{prefix}{body}");
        let middle = prefix.len() + body.len() / 2;
        let (left, right) = key.split_at(middle);
        let texts = [
            key.clone(),
            format!("the key is {key}."),
            format!("see {key}, please ({key})"),
            format!("'{key}' \"{key}\" `{key}`"),
            format!(r#"{{"text":"line\n{key}\nnext","t\"{key}\""}}"#),
            format!("https://host/path?x=1&v={key}&y=2"),
            format!("https://host/?q%3D{key}%26y"),
            format!("run --some-flag {key} --other"),
            format!("run --key={key}"),
            format!("export SOME_NAME={key}\n"),
            format!("SOME_NAME=\"{key}\"\nNEXT=1"),
            format!("a\u{1b}[31m{key}\u{1b}[0m b"),
            format!(r"a\u001b[31m{key}\u001b[0m b"),
            format!("{left}\n{right} and on"),
            format!("{left}\r\n    {right}"),
            format!("{left}\\n{right}"),
            format!("{left}\u{200b}{right}"),
            format!("{left}\u{1b}[1;32m{right}"),
            format!("{left}\u{1b}[0m\n\u{1b}[32m{right}"),
            format!("{left}\\u200b{right}"),
            format!("漢字{key}漢字"),
        ];
        for text in texts {
            let shown = scrub(&text);
            assert!(shown.contains("[redacted:"), "{text:?} → {shown:?}");
            assert!(!leaks(&shown, &body), "{text:?} → {shown:?}");
            assert_eq!(scrub(&shown), shown);
        }
    }
}

#[test]
fn the_table_is_sound() {
    for format in FORMATS {
        assert!(format.prefix.len() >= 2 && format.min < LOOK && format.min <= format.full, "{}", format.prefix);
    }
    for (i, format) in FORMATS.iter().enumerate() {
        let hidden = FORMATS[i + 1..].iter().find(|later| later.prefix.starts_with(format.prefix));
        assert!(hidden.is_none(), "{} comes before a longer one", format.prefix);
    }
}

/// As wide as what is shown is wrapped.
const WIDE: &str = "so many words that a page wraps the line after them: ";

#[test]
fn structures() {
    let secret = body(24);
    let pem = ["-----BEGIN RSA PRIV", "ATE KEY-----"].concat();
    let end = pem.replace("BEGIN", "END");
    let cases = [
        (format!("x {pem}\n{secret}\n{end} y"), "x [redacted:pem] y".to_owned()),
        (format!("{{\"k\":\"{pem}\\n{secret}\\n{end}\\n\"}}"), "{\"k\":\"[redacted:pem]\\n\"}".to_owned()),
        (format!("x {pem}\n{secret}\n{secret} y"), "x [redacted:pem]".to_owned()),
        (format!("postgres://me:{secret}@host/db"), "postgres://me:[redacted:url]@host/db".to_owned()),
        ("redis://:p@ss@host".to_owned(), "redis://:[redacted:url]@host".to_owned()),
        (format!("https://{secret}@host/x.git"), "https://[redacted:url]@host/x.git".to_owned()),
        (format!("Authorization: Bearer {secret}\nok"), "Authorization: [redacted:header]\nok".to_owned()),
        (
            format!("curl -H 'authorization: Basic {secret}==' url"),
            "curl -H 'authorization: [redacted:header]' url".into(),
        ),
        (
            format!("{{\"Authorization\": \"token {secret}\", \"a\": 1}}"),
            "{\"Authorization\": \"[redacted:header]\", \"a\": 1}".into(),
        ),
        (
            format!(r#"{{\"authorization\":\"Bearer {secret}\"}}"#),
            r#"{\"authorization\":\"[redacted:header]\"}"#.into(),
        ),
        (format!("Set-Cookie: id={secret}; Path=/\r\nX: y"), "Set-Cookie: [redacted:header]\r\nX: y".to_owned()),
        (format!("x-api-key: {secret}"), "x-api-key: [redacted:assignment]".to_owned()),
        (format!(r"https:\/\/hooks.slack.com\/services\/{secret}"), r"https:\/\/[redacted:slack-webhook]".into()),
        (format!("sent Bearer {secret}."), "sent [redacted:bearer].".to_owned()),
        // Signs that are escaped, once or twice.
        (
            format!("?to=postgres%3A%2F%2Fme%3A{secret}%40host"),
            "?to=postgres%3A%2F%2Fme%3A[redacted:url]%40host".into(),
        ),
        (format!("?h=Authorization%3A%20Basic%20{secret}%3D%3D&x"), "?h=Authorization%3A%20[redacted:header]".into()),
        (format!("?h=Bearer%20{secret}&x=1"), "?h=[redacted:bearer]&x=1".into()),
        (
            format!(r#"{{a:\"DB_TOKEN\u003d{secret}\u0026b\"}}"#),
            r#"{a:\"DB_TOKEN\u003d[redacted:assignment]\u0026b\"}"#.into(),
        ),
        (format!(r"DB_TOKEN\\\u003d{secret}"), r"DB_TOKEN\\\u003d[redacted:assignment]".into()),
        (format!("?t=123456789%3A{}", body(35)), "?t=[redacted:telegram]".into()),
        // Wrapped.
        (format!("{WIDE}redis://:p*s\ns-{secret}@host"), format!("{WIDE}redis://:[redacted:url]@host")),
        (format!(r"{WIDE}http://me:{secret}\n  x@host"), format!(r"{WIDE}http://me:[redacted:url]@host")),
        (format!(r"{WIDE}http://me:{secret}\nx@host"), format!(r"{WIDE}http://me:[redacted:url]@host")),
        (
            format!("{WIDE}DB_PASSWORD=hunter\n2-tr0ub4dor\nend"),
            format!("{WIDE}DB_PASSWORD=[redacted:assignment]\nend"),
        ),
    ];
    for (text, shown) in cases {
        assert_eq!(scrub(&text), shown, "{text}");
        assert_eq!(scrub(&shown), shown);
    }
}

#[test]
fn assignments() {
    let word = ["hunter", "2hunter"].concat();
    let aws = format!("/{}/{}+aB9", body(20), body(15));
    let cases = [
        format!("DB_PASSWORD={word}"),
        format!("password: {word}"),
        format!("\"password\": \"{word}\""),
        format!("\"password\": \"{word} and more\""),
        format!(r#"{{\"clientSecret\":\"{word}\"}}"#),
        format!("'passwd' => '{word}'"),
        format!("environ[\"API_KEY\"] = \"{word}\""),
        format!("let api_key = b\"{word}\";"),
        format!("run --token {word} x"),
        format!("run --auth-token '{word}'"),
        format!("[\"--password\", \"{word}\"]"),
        format!("https://host/?access_token={word}&x=1"),
        format!("https://host/?api_key%3D{word}"),
        format!("SecretAccessKey: {word}"),
        format!("aws_secret_access_key = {aws}"),
        format!("TOKEN=`{word}`"),
        format!("line\\nSECRET={word}\\nline"),
        format!("secret={}\u{200b}{}", &word[..5], &word[5..]),
        format!("a line that is rather wide, then TOKEN={}\n{}\nend", body(20), word),
        format!("private_key: {word}, next"),
        format!("PASSWORD='{}'", ["Correct", "Horse"].concat()),
        format!("DB_PASS={word}"),
        format!("<value>DB_PASSWORD={word}</value>"),
        format!("<password>{word}</password>"),
        format!("run --pass {word}"),
        format!("Server=x;User Id=sa;Pwd={word};Timeout=5"),
        format!("RAILS_MASTER_KEY={}", body(32)),
        format!("SECRET_KEY_BASE={}", body(64)),
        format!("X-Auth-Key: {word}"),
        format!("//registry.npmjs.org/:_auth={word}=="),
        format!("https://x.blob.core.windows.net/c?sv=2022&sig={}%3D&se=1", body(43)),
        format!("https://s3.amazonaws.com/b/k?X-Amz-Signature={}", body(64)),
        format!("curl -u admin:{word} https://host"),
        format!("curl -sS -uadmin:{word} https://host"),
        format!("curl --user 'admin:{word}' https://host"),
        format!(r#"["curl", "-u", "admin:{word}"]"#),
        format!("cd x && sshpass -p '{word}' ssh host"),
        format!("mysql -u root -p{word} shop"),
        format!("redis-cli -a {word} ping"),
    ];
    for text in cases {
        let shown = scrub(&text);
        assert!(shown.contains("[redacted:"), "{text} → {shown}");
        let hidden = [&word, &aws, &body(64)];
        assert!(hidden.iter().all(|secret| !leaks(&shown, secret)), "{text} → {shown}");
        assert_eq!(scrub(&shown), shown);
    }
    assert_eq!(scrub(&format!("a?token={word}&b=1")), "a?token=[redacted:assignment]&b=1");
    assert_eq!(scrub(&format!("{{\"token\":\"{word}\",\"n\":1}}")), "{\"token\":\"[redacted:assignment]\",\"n\":1}");
}

/// Where a token of such parts ends, and what is too short for one.
#[test]
fn web_tokens() {
    let part = |length: usize| "b1".chars().cycle().take(length).collect::<String>();
    let first = |length: usize| format!("{}{}", ["ey", "J"].concat(), part(length - 3));
    let (head, claims, sign) = (first(16), part(8), part(16));
    let long = first(60);
    let cases = [
        ("as short as they come", format!("x {head}.{claims}.{sign} y"), "x [redacted:jwt] y".to_owned()),
        ("an encrypted one", format!("x {head}.{claims}.{sign}.{claims}.{sign} y"), "x [redacted:jwt] y".to_owned()),
        ("without a key for it", format!("x {head}..{claims}.{sign}.{sign} y"), "x [redacted:jwt] y".to_owned()),
        (
            "wrapped in its first part",
            format!("x {}\n{}.{claims}.{sign} y", &long[..40], &long[40..]),
            "x [redacted:jwt] y".to_owned(),
        ),
        ("wrapped before a dot", format!("x {long}\n.{claims}.{sign} y"), "x [redacted:jwt] y".to_owned()),
        ("wrapped before the second dot", format!("x {long}.{claims}\r\n  .{sign} y"), "x [redacted:jwt] y".to_owned()),
        ("wrapped behind a dot", format!("x {long}.{claims}.\n{sign} y"), "x [redacted:jwt] y".to_owned()),
        ("wrapped in its last part", format!("x {long}.{claims}.{sign}\n{claims} y"), "x [redacted:jwt] y".to_owned()),
        (
            "a word behind it",
            format!("x {long}.{claims}.{sign}\nsomewhere y"),
            "x [redacted:jwt]\nsomewhere y".to_owned(),
        ),
        ("a full stop behind it", format!("x {head}.{claims}.{sign}. y"), "x [redacted:jwt]. y".to_owned()),
    ];
    for (what, text, shown) in cases {
        assert_eq!(scrub(&text), shown, "{what}");
    }
    let shorter = [
        format!("{}.{claims}.{sign}", first(15)),
        format!("{head}.{}.{sign}", part(7)),
        format!("{head}.{claims}.{}", part(15)),
        format!("{head}.{claims}"),
        head.clone(),
        format!("ey1{}.{claims}.{sign}", part(13)),
    ];
    for text in shorter {
        assert_eq!(scrub(&text), text);
    }
    // One that begins within what was none.
    let text = format!("{}.{head}.{claims}.{sign}", first(15));
    assert!(!scrub(&text).contains(&sign), "{text}");
}

#[test]
fn a_quoted_passphrase_is_hidden_whole() {
    for (text, shown) in [
        (
            r#"{"password": "Correct horse battery 9 staple", "a": 1}"#,
            r#"{"password": "[redacted:assignment]", "a": 1}"#,
        ),
        (
            r#"{\"password\": \"Correct horse battery 9 staple\", \"a\": 1}"#,
            r#"{\"password\": \"[redacted:assignment]\", \"a\": 1}"#,
        ),
        ("password: 'Correct horse battery 9 staple' x", "password: '[redacted:assignment]' x"),
        (r#"password = "Correct \"horse\" 9 staple" x"#, r#"password = "[redacted:assignment]" x"#),
    ] {
        assert_eq!(scrub(text), shown);
    }
}

/// What stands at such a place is a password, whatever it looks like.
#[rustfmt::skip]
#[test]
fn places() {
    let word = ["correct", "horse"].concat();
    let commands = [
        "docker login -u me -p @ registry.example.org", r"x\ncurl -u admin:@ https://x", "podman login --username me -p '@' quay.io", "gh secret set DEPLOY -b @",
        "gh secret set DEPLOY --body \"@\"", "aws configure set aws_secret_access_key @",
        "npm config set //registry.npmjs.org/:_authToken @", "curl -u admin:@ https://x", "curl -uadmin:@ https://x",
        "curl -su admin:@ https://x", "curl -sSfLu admin:@ https://x", "curl --user admin:@ https://x", "curl --user=admin:@ https://x",
        "curl -u 'admin:@' https://x", "curl -u \"admin:@ and more\" https://x", "curl --proxy-user admin:@ https://x",
        "[\"curl\",\"-u\",\"admin:@\",\"https://x\"]", "vault login @", "echo @ | sudo -S apt install x", "echo '@' | sudo -S true",
        "printf '%s' @ | docker login --password-stdin", "echo \"me:@\" | chpasswd", "az login -u x -p @ --tenant y",
        "twine upload -u me -p @ dist/*", "zip -P @ out.zip f", "unzip -P @ out.zip", "htpasswd -b .htpasswd me @", "htpasswd -nb me @",
        "htpasswd -bc .htpasswd me @", "set -x GITHUB_TOKEN @", "set -gx OPENAI_API_KEY @", "setx API_KEY @",
        "machine api.example.org login me password @", "localhost:5432:shop:shop:@", "db.internal:5432:*:shop:@",
        "Password for 'https://git.example.org': @", "Password for user me: @", "sshpass -p @ ssh host", "mysql -u root -p@ shop",
        "redis-cli -a @ ping", "openssl enc -aes256 -pass pass:@ -in x", "keytool -list -storepass @", "ldapsearch -x -D cn=a -w @",
        "mosquitto_pub -u me -P @ -t x", "cqlsh -u me -p @ h", "cypher-shell -u me -p @", "influx -password @", "ssh-keygen -N @ -f key",
        "useradd -p @ me", "ConvertTo-SecureString -String '@'", "curl -E cert.pem:@ x", "sudo -S <<< @", "chpasswd <<< \"me:@\"",
        "ALTER USER me IDENTIFIED BY '@';", "CREATE USER me WITH PASSWORD '@';", "mongosh -u me -p @", "sqlcmd -S x -U sa -P @", "http -a me:@ GET x", "smbclient //h/s -U me%@", "7z a -p@ x.7z f",
        "sqlplus shop/@(at)db.example.org:1521/shop", "sqlplus -S -L 'shop/@(at)db'", "impdp userid=shop/@(at)db parfile=x", "rman target sys/@(at)db",
        r"net use X: \\files\share @ /user:shop\me", r"net use \\files\share /user:me @", r#"net use * \\files\share "@" /USER:me"#,
        "net user me @ /add", "xfreerdp /v:host /u:me /p:@ /f", "xfreerdp3 \"/p:@\" /v:host", "xfreerdp /gu:me /gp:@", "cmdkey /add:h /user:me /pass:@",
        "pdftk in.pdf output out.pdf user_pw @", "pdftk in.pdf input_pw '@' output out.pdf owner_pw @",
    ];
    for command in commands {
        let shown = scrub(&command.replace('@', &word).replace("(at)", "@")).into_owned();
        assert!(shown.contains("[redacted:password]") && !shown.contains(&word), "{command} → {shown}");
    }
    let hex = "3f9a0c5e7b1d24688e6f1a2b9c0d4e7f";
    let values = [
        ("OPENAI_API_KEY=", "qwkzjvnxqwkzjvnxqw"), ("GITHUB_PAT=", "correcthorse2battery"), ("Ocp-Apim-Subscription-Key: ", hex),
        ("client-key-data: ", "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVkt"), ("code_verifier=", "dBjftJeZ4CVP-mBKDhgB2nYx8uXq"),
        ("Cookie: theme=dark; session=", "aB3dE6gH9jK2"), ("APP_KEY=", hex),
    ];
    let words = [
        "DB_PASSWORD=@ make", "mysql --password=@ shop", "snowsql --password @ x", "export SSHPASS=@", "define('DB_PASSWORD', '@');",
        "<add key=\"ClearTextPassword\" value=\"@\" />", "- name: DB_PASSWORD\n  value: @\n", r#"{"name":"DB_PASSWORD","value":"@"}"#,
        "cargo login @", "bw unlock @", "wpa_passphrase home @", "mc alias set m http://h me @", "ConvertTo-SecureString \"@\" -Force",
        "poetry config http-basic.x me @", "redis-cli config set requirepass @", "bw login me(at)example.org @ --raw",
        "sqlplus shop/@", r"net use X: \\files\share @", "net user me @", "curl -b session=@ https://x",
        "curl --cookie \"theme=dark; sid=@\" https://x", "The password is @.", "the password is '@'", "the password is @ for now", "passphrase is @",
        "it says \"password was @\"",
    ];
    for text in words {
        let shown = scrub(&text.replace('@', "horse7Battery").replace("(at)", "@")).into_owned();
        assert!(shown.contains("[redacted:") && !shown.contains("horse"), "{text} → {shown}");
    }
    for text in &words[..4] {
        assert!(!scrub(&text.replace('@', &word)).contains(&word), "{text}");
    }
    for (name, value) in values {
        let shown = scrub(&[name, value].concat()).into_owned();
        assert!(shown.contains("[redacted:") && !shown.contains(value), "{name} → {shown}");
    }
}

#[test]
fn keys_in_pieces_and_of_other_programs() {
    let lines = format!("{}\n{}\nqL8=\n", body(64), body(64));
    let end = ["-----END RSA PRIV", "ATE KEY-----"].concat();
    let putty = format!(
        "{}-User-Key-File-3: ssh-rsa\nPublic-Lines: 1\n{lines}Private-Lines: 1\n{lines}Private-MAC: 3f9a0c5e7b1d",
        "PuTTY"
    );
    let discord = ["MTE4NjQxNzQ3MDA5MDE2", "NDIxMg", ".GaBcDe.", "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6lM"].concat();
    for text in [format!("it says:\n{lines}{end} y"), format!("it says: {putty} y"), format!("it says: {discord} y")] {
        for text in [text.clone(), text.replace('\n', "\r\n"), text.replace('\n', "\\n")] {
            let shown = scrub(&text);
            assert!(shown.starts_with("it says:") && shown.ends_with(" y"), "{text} → {shown}");
            assert!(
                !leaks(&shown, &body(64)) && !shown.contains("qL8") && !leaks(&shown, &discord),
                "{text} → {shown}"
            );
        }
    }
}

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Whatever its maker begins it with: no list has these. Of small letters alone one in thousands looks like words, and
/// the same numbers are thrown at each run, so that none fails by chance.
#[test]
fn random_words_are_secrets() {
    let (mut dice, mut missed) = (Dice::default(), [0; 3]);
    for _ in 0..3000 {
        let prefix = ["", "acme_", "zz-", "w1.", "x9_pat_"][dice.pick(5)];
        let before = ["", "it is ", "\"", "KEY=", "x: "][dice.pick(5)];
        let (long, short) = (32 + dice.pick(32), 32 + dice.pick(8));
        let keys = [
            dice.signs(LETTERS, long),
            format!("7{}3q9x", dice.signs(&LETTERS[..26], short)),
            format!("live_{}a1", dice.signs("0123456789abcdef", long)),
        ];
        for (missed, key) in missed.iter_mut().zip(keys) {
            *missed += usize::from(scrub(&format!("{before}{prefix}{key} and on")).contains(&key));
        }
    }
    assert!(matches!(missed, [0, 0..=3, 0]), "{missed:?}");
}

const INNOCENT: &[&str] = &[
    "",
    "commit 3f2a9c0de4b15a6789012345678901234567abcd by someone",
    "550e8400-e29b-41d4-a716-446655440000",
    "/home/user/project/src/token_store2.rs:120: warning",
    "task-x, risk-adjusted, disk-0123456789012345678901, desk-top",
    "sk-learn-compatible-estimator-pipeline-v2, sk-toolbar-item-number-12",
    "token_count=12345, max_tokens: 12345, tokens: 12345678",
    "password: ********",
    "password: [hidden]  secret: (none)  token: null",
    "TOKEN=$TOKEN SECRET=${SECRET} TOKEN=$(cat file1234) token=%TOKEN_1234%",
    "TOKEN=\"$TOKEN_NUMBER_1\" api_key: {{ api_key_2_of_3 }} token=<token-1234>",
    "let token = next_token(); let secret = config.secret_v2; self.token = other_token_2;",
    "const token = process.env.API_TOKEN2; password = Option<String1234>",
    "token: Option<u64>, secret: std::sync::Arc123, token::Kind12345",
    "TOKEN_FILE=/run/secrets/token1 secret=/run/secrets/db1 --token ./token12345 private_key: ~/.ssh/id_ed25519",
    "--token --other-flag1 --password-file x1234567 --token",
    "bypass=number12 compass: heading270 cwd=build1234 design=version12 xauth=version1234 primary_key=order_id_12345",
    "docker run -u node1234:group1234 -p 8080:80 image1234; curl -u $USER_12345:$PASSWORD_1 -p x; sort -u names1234",
    "curl host1234 | sort -u names12345; pass: test_parser_12 signature: fn(a1, b2) -> c3",
    "Authorization: Bearer $TOKEN_1234 / Authorization: Bearer <token-1234>",
    "authorization: the user must log in first; cookie: chocolate",
    "https://user@host/x https://host:8080/@scope/name12345678 git@github.com:owner/name.git",
    "https://x:${TOKEN}@github.com/owner/name.git",
    "Unexpected token: identifier; secret: keep it to yourself",
    "-----BEGIN CERTIFICATE-----\nMIIB1234\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----",
    "2026-01-02T03:04:05.678Z  12345678:90 eyebrow.something.identifier_with_long_name",
    "key-value npm_config_registry hf_hub_download dapi whsec_ SKU12345 SG.something pypi-server",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx sk-ant-YOUR-KEY-GOES-HERE-PLEASE",
    "AKIA and AIza are prefixes; so is ghp_ and github_pat_",
    "[redacted:github] password=[redacted:assignment] https://u:[redacted:url]@h",
    "\u{1b}[31mred\u{1b}[0m and \u{200b} nothing — 漢字 \\u001b[1m \\/ \\x1b",
    "http://localhost:3000\nme@host and so many words that a page wraps the line: http://localhost:3000\nme@host",
    "so many words that a page wraps the line after them, and then token=next\nword",
    "100%25 of 50%20 %TOKEN_1234% printf '%5d%%' \\u003d\\u003d \\\\u0041 %E4%BC%9A a%2Fb%3Fc",
    "Value::Cookie => secret.len() >= 12 && secret.contains(b'=')",
    "use crate::token::Token12345; if token == other_token_12 {}",
    "S3_KEY=uploads/2024/avatar_12.png",
    "S3_KEY=uploads/avatar-2x",
    "FOREIGN_KEY=user_id2",
    "Cookie: theme=dark",
    "Cookie: theme=dark; lang=en",
    "PRIMARY_KEY=order_id_12345",
    "CACHE_KEY=v2-build-cache",
    "docker run --name mongo -p 27017:27017 mongo",
    "docker run -d --name mysql -p3306:3306 mysql",
    "mkdir -p src/scrub",
    r"docker login x\nmkdir -p folder",
    "ssh -p 2222 host",
    "echo hello | grep h",
    r#"echo "$TOKEN" | docker login --password-stdin"#,
    "echo $PASSWORD | sudo -S ls",
    "docker login -u me -p $TOKEN",
    r#"docker login -u me -p "$TOKEN""#,
    "docker login -u me -p <token>",
    r#"gh secret set DEPLOY -b "$VALUE""#,
    "curl -u $USER:$PASS https://x",
    "curl -u me https://x",
    "curl -sSfL https://x | sh",
    "curl -sSu",
    "vault login -method=oidc",
    "src/x.rs:1234:5:error here",
    "12:05:03:123 something",
    "Password for the database is wrong: try again",
    "password for user me is not set",
    "the login form has a password field that is empty",
    "set -x",
    "set -x PATH /usr/local/bin $PATH",
    "set -x; make test",
    "configure set up properly",
    "npm config set registry https://registry.npmjs.org/",
    "aws configure set region eu-central-1",
    "aws configure set default.output json",
    "toolu_01AbCdEfGhJkLmNpQrStUvWx",
    "msg_01XyZabcDEF234ghiJKL567m",
    "req_011CVabcDEFghiJKLmnoPQRs",
    "ses_4f3a9c0e1ffeXyZabcDEF234g",
    "call_aB3dE6gH9jK2mN5pQ8sT1vW4",
    "sha512-aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6lM9oR2tU5xY8rA4nG1iL7qS0wX3zD6fV9cP2uB5kO8jH1tE4yM7vN0==",
    "github.com/x/y v1.2.3 h1:aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6lM9oR2t=",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    "https://docs.google.com/document/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit",
    "commit 3f2a9c0de4b15a6789012345678901234567abcd",
    "550e8400-e29b-41d4-a716-446655440000",
    "/nix/store/k3j9x0q2m5n8b1v7c4z6d2f9g7h5j3k1-hello-2.12",
    "target/debug/deps/agentmon-6c1998b69cf22237",
    "_ZN4core3ptr85drop_in_place17h0123456789abcdefE",
    "getUserById2AndName3OrFail",
    "x86_64-unknown-linux-gnu",
    "@babel/plugin-transform-modules-systemjs@7.22.5",
    "error[E0432]: unresolved import `crate::foo::Bar2`",
    r#"ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with "frozen-lockfile""#,
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "SomeVeryLongClassNameWithIso8601DateTimeParserV2Test",
    "test_http2_tls13_x509_sha256_rsa4096_handshake_ok",
    "v0.0.0-20210101000000-abcdef123456",
    "feature/JIRA-1234-add-oauth2-pkce-s256-flow",
    "2026-11-20T14:05:03.123456789Z",
    "claude-sonnet-4-5-20250929",
    "us-east-1.console.aws.amazon.com/ecs/v2/clusters",
    "--config-file=./configs/dev2.yaml",
    "sed -i 's/foo1/bar2/g' src/lib.rs",
    "password=undefined",
    "token=null",
];

#[test]
fn innocent_texts_stay() {
    for text in INNOCENT {
        assert!(matches!(scrub(text), Cow::Borrowed(_)), "{text:?} → {:?}", scrub(text));
    }
}

#[test]
fn shapes_of_makers_in_every_surrounding() {
    let surroundings: [fn(&str) -> String; 5] = [
        |key| format!("it says {key} and goes on"),
        |key| format!("export SOME_NAME={key}\nmake"),
        |key| format!("{{\"value\":\"{key}\",\"next\":1}}"),
        |key| format!("curl -H 'X-Auth: {key}' https://example.org"),
        |key| format!("GET https://example.org/path?v={key}&y=2 failed"),
    ];
    let (mut dice, mut missed) = (Dice::default(), Vec::new());
    assert!(SHAPES.len() > 140);
    for shape in SHAPES {
        for _ in 0..4 {
            let (key, from) = dice.text(shape);
            for text in surroundings.map(|around| around(&key)) {
                let shown = scrub(&text);
                missed.extend(leaks(&shown, &key[from..]).then(|| format!("{shape}: {text:?} → {shown:?}")));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn ordinary_texts_stay() {
    let mut dice = Dice::default();
    assert!(ORDINARY.len() * 8 > 500);
    for shape in ORDINARY.iter().cycle().take(8 * ORDINARY.len()) {
        let (text, _) = dice.text(shape);
        assert_eq!(scrub(&text), text);
    }
}

/// All that agents and their tools said in the recordings: sentences, commands, errors, ids.
#[test]
fn nothing_in_the_recordings_is_taken_for_a_secret() {
    fn lines(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::String(text) => found.extend(text.lines().map(str::to_owned)),
            Value::Array(items) => items.iter().for_each(|item| lines(item, found)),
            Value::Object(members) => members.values().for_each(|member| lines(member, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/recordings");
    if !Path::new(folder).exists() {
        return crate::record::tests::kill::skip("the published crate has no recordings");
    }
    for file in walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap) {
        let text = std::fs::read_to_string(file.path()).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).for_each(|row| lines(&row, &mut found));
    }
    assert!(found.len() > 500, "{}", found.len());
    for line in found {
        assert!(matches!(scrub(&line), Cow::Borrowed(_)), "{line:?} → {:?}", scrub(&line));
    }
}

thread_local! {
    /// How many bytes the rules of this thread have read ahead.
    pub(super) static STEPS: Cell<usize> = const { Cell::new(0) };
}

/// Texts on which a rule that reads ahead without a bound would take minutes. Steps are counted, as a busy machine
/// has no clock: twice the text takes twice the steps, where reading all the rest for each word takes four times.
#[test]
fn work_is_linear() {
    let units = [
        "sk-",
        "eyJ.",
        "eyJa-",
        "ey-eyJ",
        "token=",
        "Cookie: ",
        "cookie:\"",
        "--token ",
        "-",
        "--",
        "\\",
        "\\u{",
        "://a:",
        "://@",
        "@",
        "password='",
        "authorization: ",
        "-----BEGIN ",
        "\u{1b}[",
        "sk-\n",
        "AKIA\n",
        "eyJaaaaaaaaaaaaaaaaa.",
        "token=a1b2c3d4e5\n",
        "12345678:",
        "xoxb-",
        "%3D",
        "%3A%2F",
        "\\\\u003d",
        "\n@",
        "\\n@",
        "\u{200b}",
    ];
    let steps = |unit: &str, length: usize| {
        STEPS.set(0);
        drop(scrub(&unit.repeat(length / unit.len())));
        STEPS.get()
    };
    for unit in units {
        let (once, twice) = (steps(unit, 40_000), steps(unit, 80_000));
        assert!(twice <= once * 9 / 4 + LOOK, "{unit:?}: {once} steps, and {twice} for twice the text");
    }
}

/// For a person: `cargo test --release --lib throughput -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stderr, reason = "a measurement is for reading")]
fn throughput() {
    let texts = [("innocent", INNOCENT.join("\n")), ("source", include_str!("assignment.rs").to_owned())];
    for (name, text) in texts {
        let rounds = 20_000_000 / text.len();
        let start = Instant::now();
        let borrowed = (0..rounds).filter(|_| matches!(scrub(std::hint::black_box(&text)), Cow::Borrowed(_))).count();
        let rate = text.len() * rounds / 1_000_000 * 1000 / (start.elapsed().as_millis() as usize).max(1);
        eprintln!("{name}: {rate} MB/s, {borrowed} of {rounds} borrowed");
    }
}

/// What the rules look for, and what comes between.
const PIECES: &[&str] = &[
    "password",
    "token",
    "Authorization",
    "cookie",
    "=",
    ":",
    ": ",
    "\"",
    "'",
    "\\\"",
    "\\n",
    "\n",
    "\r\n",
    "  ",
    " ",
    "--",
    "-",
    "_",
    ".",
    "@",
    "://",
    "/",
    "%3D",
    "%20",
    "\\u003d",
    "&",
    ";",
    "[",
    "]",
    "(",
    "$",
    "\u{200b}",
    "\u{1b}[0m",
    "\\u001b[1m",
    "漢",
    "sk-",
    "sk-ant-",
    "AKIA",
    "Bearer ",
    "eyJhbGciOiJIUzI1NiJ9",
    "-----BEGIN ",
    "PRIVATE KEY-----",
    "-----END ",
    "[redacted:x]",
    "a1B2c3D4",
    "A1B2C3D4E5F6G7H8",
    "12345678",
    "hunter",
    "é",
    "\\",
    "http",
    "b",
];

/// Texts made of the pieces that the rules look for.
fn wild() -> impl Strategy<Value = String> {
    prop::collection::vec(prop_oneof![4 => prop::sample::select(PIECES).prop_map(str::to_owned), 1 => ".{0,4}"], 0..40)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn scrubbing_twice_changes_nothing_more(text in wild()) {
        let once = scrub(&text);
        let twice = scrub(&once);
        prop_assert_eq!(&once, &twice, "{:?}", text);
    }
}
