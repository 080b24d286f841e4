//! `--format junit`: XML by its schema, with the counts that it says.

use super::{is_installed, judged, machines, page, tasks};

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/junit/junit-10.xsd");

/// Reads all cases as GitLab's and others' readers do.
const READ: &str = "import sys, junitparser; xml = junitparser.JUnitXml.fromfile(sys.argv[1]); \
                    print(sum(1 for suite in xml for case in suite), xml.failures)";

#[test]
fn cases_are_tasks_and_the_schema_holds() {
    let has_reader = is_installed(&["python3", "-c", "import junitparser"]);
    for (text, ground) in machines() {
        let page = page(&ground, &["--format", "junit"]);
        let document = roxmltree::Document::parse(&page).unwrap_or_else(|error| panic!("{text:?}: {error}: {page}"));
        let tasks = tasks(&ground);
        let of = |healths: &[&str]| tasks.iter().filter(|task| healths.iter().any(|it| task["health"] == *it)).count();
        let named = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
        let counts = [named("testcase"), named("failure"), named("skipped"), named("system-out")];
        assert_eq!(counts, [tasks.len(), of(&["failed", "stuck"]), of(&["unknown"]), of(&["struggling"])], "{page}");
        let all = document.root_element();
        assert_eq!(all.attribute("tests"), Some(counts[0].to_string().as_str()), "{page}");
        assert_eq!(all.attribute("failures"), Some(counts[1].to_string().as_str()), "{page}");
        let known = ["testsuites", "testsuite", "testcase", "failure", "skipped", "system-out"];
        let elements = document.descendants().filter(roxmltree::Node::is_element);
        for element in elements {
            assert!(known.iter().any(|name| element.has_tag_name(*name)), "{text:?} made {element:?}");
        }
        let file = ground.path("home/report.xml");
        std::fs::write(&file, &page).unwrap();
        assert_eq!(judged(&["xmllint", "--noout", "--schema", SCHEMA, "-"], &file), None, "{text}: {page}");
        if has_reader {
            let read = std::process::Command::new("python3").args(["-c", READ]).arg(&file).output().unwrap();
            let read = String::from_utf8(read.stdout).unwrap();
            assert_eq!(read, format!("{} {}\n", counts[0], counts[1]), "{text}: {page}");
        }
    }
}
