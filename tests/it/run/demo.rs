//! The demo of `docs/run.md`, as it stands there.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use super::shop::Shop;
use crate::ground::run;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_demo_shows_what_the_page_says() {
    let script = fs::read_to_string(root().join("fixtures/agents/demo.sh")).unwrap();
    let page = fs::read_to_string(root().join("docs/run.md")).unwrap();
    assert!(page.contains(&format!("```sh\n{script}```\n")), "docs/run.md does not show fixtures/agents/demo.sh");
    let shop = Shop::new();
    let own = shop.program(&[]);
    let mut demo = std::process::Command::new("bash");
    demo.arg(root().join("fixtures/agents/demo.sh")).current_dir(shop.outside("tmp")).env_clear();
    demo.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let path = own.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, path)| path).unwrap().to_str().unwrap();
    let built = Path::new(env!("CARGO_BIN_EXE_agentmon")).parent().unwrap().display();
    demo.env("PATH", format!("{built}:{path}")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let ran = run(&mut demo);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let wanted = [
        "search: stopped after ",
        "Stuck - no heartbeat for ",
        "export: unresponsive\n",
        "`agentmon reap --yes` ends them\n",
        "export: failed: unresponsive\n",
        "login: failed (permanent): Invalid API key · Please run /login\n",
        "search: cancelled: stopped\n",
        "5 tasks: 2 succeeded, 2 failed, 1 cancelled · ",
        ", 1 retry, ",
        "parser: ✔ Completed",
        "attempt 1 of 3 failed, exit code 1 (transient)",
        "1 retry, waited ",
        "speed-up",
    ];
    for line in wanted {
        assert!(ran.out.contains(line), "{line:?} is not in\n{}\n{}", ran.out, ran.err);
    }
}
