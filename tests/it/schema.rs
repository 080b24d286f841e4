//! What is printed as data is what the schema says: no key missing, none unknown, each of its kind.

use serde_json::Value;

use crate::demo::{demo, look};
use crate::lab::{Lab, ms};

/// Where `value` does not fit `schema`. Knows as much of JSON Schema as the files in `docs` use.
pub(crate) fn misfits(value: &Value, schema: &Value, root: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        return misfits(value, &root["$defs"][name.trim_start_matches("#/$defs/")], root, at, found);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let fits = |choice: &Value| {
            let mut inner = Vec::new();
            misfits(value, choice, root, at, &mut inner);
            inner.is_empty()
        };
        if !choices.iter().any(fits) {
            found.push(format!("{at}: {value} is none of its kinds"));
        }
        return;
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is_kind = |wanted: &Value| wanted == kind || wanted == "number" && kind == "integer";
    let kinds = &schema["type"];
    if !kinds.is_null() && !is_kind(kinds) && !kinds.as_array().is_some_and(|kinds| kinds.iter().any(is_kind)) {
        found.push(format!("{at}: {kind}, not {kinds}"));
    }
    if !schema["enum"].is_null() && !schema["enum"].as_array().unwrap().contains(value) {
        found.push(format!("{at}: {value} is not in {}", schema["enum"]));
    }
    if !schema["const"].is_null() && schema["const"] != *value {
        found.push(format!("{at}: {value}, not {}", schema["const"]));
    }
    for (number, item) in value.as_array().into_iter().flatten().enumerate() {
        misfits(item, &schema["items"], root, &format!("{at}/{number}"), found);
    }
    let Some(members) = value.as_object() else { return };
    for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(key) {
            found.push(format!("{at}: `{key}` is missing"));
        }
    }
    for (key, member) in members {
        match schema["properties"].get(key).or(schema.get("additionalProperties")) {
            Some(schema) => misfits(member, schema, root, &format!("{at}/{key}"), found),
            None if schema["additionalProperties"].is_object() => {
                misfits(member, &schema["additionalProperties"], root, &format!("{at}/{key}"), found);
            }
            None => found.push(format!("{at}: `{key}` is not in the schema")),
        }
    }
}

pub(crate) fn schema(name: &str) -> Value {
    let path = format!("{}/docs/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_schema_is_true() {
    let schema = schema("status");
    let mut report: Value = serde_json::from_str(&look(demo(), "--format json --since all")).unwrap();
    assert!(report["tasks"].as_array().unwrap().len() >= 10);
    // The demo has none.
    report["problems"] = serde_json::json!([{ "path": "/x", "line": 3, "offset": null, "message": "no JSON" }]);
    let mut found = Vec::new();
    misfits(&report, &schema, &schema, "", &mut found);
    assert!(found.is_empty(), "{found:#?}");

    report["tasks"][0]["health"] = "fine".into();
    report["tasks"][1]["sessions"][0].as_object_mut().unwrap().remove("tokens");
    report["summary"]["new"] = 1.into();
    misfits(&report, &schema, &schema, "", &mut found);
    assert_eq!(found.len(), 3, "a wrong report is found wrong: {found:#?}");
}

#[test]
fn the_schema_of_the_explanation_is_true() {
    let schema = schema("explain");
    let mut page: Value = serde_json::from_str(&look(demo(), "explain parser --json --since all")).unwrap();
    let mut found = Vec::new();
    misfits(&page, &schema, &schema, "", &mut found);
    assert!(found.is_empty(), "{found:#?}");
    assert!(!page["rules"].as_array().unwrap().is_empty());

    page["task"]["health"] = "fine".into();
    page["rules"][0]["decided"] = 1.into();
    page.as_object_mut().unwrap().remove("next");
    misfits(&page, &schema, &schema, "", &mut found);
    assert_eq!(found.len(), 3, "a wrong page is found wrong: {found:#?}");
}

#[test]
fn the_schema_of_the_log_is_true() {
    let schema = schema("log");
    let lines = |task: &str| look(demo(), &format!("log {task} --json -n 1000 --since all"));
    let text = lines("price-rules") + &lines("csv-import") + &lines("cart-notes");
    let lab = Lab::new();
    lab.write("/srv/shop/.worktrees/task-x/status.json", r#"{"status":"failed","message":"no host"}"#);
    lab.write("/srv/shop/.results/task-x.json", r#"{"type":"result","is_error":true,"result":"Done."}"#);
    lab.write("/srv/shop/.logs/task-x.log", "boom\n");
    let left = lab.run(ms("2030-01-01T00:00:00Z"), &["log", "task-x", "--json", "--since", "all"]);
    let text = text + &left.out;
    let mut rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut found = Vec::new();
    for row in &rows {
        misfits(row, &schema, &schema, "", &mut found);
    }
    assert!(found.is_empty(), "{found:#?}");
    for kind in ["prompt", "message", "call", "api_error", "status", "result", "output"] {
        assert!(rows.iter().any(|row| row["kind"] == kind), "{kind}");
    }

    rows[0]["kind"] = "song".into();
    rows[1].as_object_mut().unwrap().remove("at");
    rows[2]["new"] = 1.into();
    for row in &rows[..3] {
        misfits(row, &schema, &schema, "", &mut found);
    }
    assert_eq!(found.len(), 3, "wrong rows are found wrong: {found:#?}");
}

#[test]
fn the_schema_of_the_clients_is_true() {
    let schema = schema("clients");
    let mut page: Value = serde_json::from_str(&look(demo(), "clients --format json")).unwrap();
    assert!(page["clients"].as_array().unwrap().len() >= 2);
    page["problems"] = serde_json::json!([{ "path": "/x", "line": null, "offset": null, "message": "closed" }]);
    let mut found = Vec::new();
    misfits(&page, &schema, &schema, "", &mut found);
    assert!(found.is_empty(), "{found:#?}");

    page["clients"][0]["knows"][0] = "everything".into();
    page["clients"][0]["places"][0]["variables"][0]["state"] = true.into();
    page["clients"][1].as_object_mut().unwrap().remove("newest");
    misfits(&page, &schema, &schema, "", &mut found);
    assert_eq!(found.len(), 3, "a wrong page is found wrong: {found:#?}");
}

#[test]
fn the_schema_of_the_report_is_true() {
    let schema = schema("report");
    let mut report: Value = serde_json::from_str(&look(demo(), "report --format json")).unwrap();
    for part in ["trend", "groups", "clients", "agents", "tools", "patterns", "tasks", "batches", "findings"] {
        assert!(!report[part].as_array().unwrap().is_empty(), "{part}");
    }
    report["problems"] = serde_json::json!([{ "path": "/x", "line": 3, "offset": 99, "message": "torn" }]);
    report["inexact"] = serde_json::json!(["a summary"]);
    let mut found = Vec::new();
    misfits(&report, &schema, &schema, "", &mut found);
    let mut longer: Value = serde_json::from_str(&look(demo(), "report --format json --since all")).unwrap();
    longer["tasks"][0]["spans"][0]["health"] = Value::Null;
    misfits(&longer, &schema, &schema, "", &mut found);
    assert!(found.is_empty(), "{found:#?}");

    report["tasks"][0]["health"] = "fine".into();
    report["totals"]["failed_by"]["api_error"] = "many".into();
    report["groups"][0]["figures"].as_object_mut().unwrap().remove("stuck");
    report["new"] = 1.into();
    misfits(&report, &schema, &schema, "", &mut found);
    assert_eq!(found.len(), 4, "a wrong report is found wrong: {found:#?}");
}
