//! The last words of an agent in what it printed as JSON, or the result that a script wrote down.

use serde_json::Value;

/// What an agent said last, by the rows or the one document that were printed; nothing where they hold no such thing.
pub(crate) fn answer(bytes: &[u8]) -> Option<String> {
    let rows: Vec<Value> = match serde_json::from_slice(bytes) {
        Ok(Value::Array(rows)) => rows,
        Ok(one) => vec![one],
        Err(_) => bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect(),
    };
    let last = rows.iter().rposition(|row| said(row).is_some_and(|text| !text.trim().is_empty()))?;
    let text = said(&rows[last])?;
    // Gemini prints a message in pieces.
    let is_piece = |row: &&Value| row["type"] == "message" && row["role"] == "assistant" && row["delta"] == true;
    let mut pieces: Vec<_> = rows[..last].iter().rev().take_while(is_piece).filter_map(said).collect();
    if !is_piece(&&rows[last]) {
        pieces.clear();
    }
    pieces.reverse();
    pieces.push(text);
    Some(pieces.concat())
}

/// What the agent says in a row.
fn said(row: &Value) -> Option<String> {
    let text = match row["type"].as_str() {
        Some("assistant") => {
            let blocks = row["message"]["content"].as_array()?.iter();
            let texts: Vec<_> = blocks.filter_map(|block| block["text"].as_str()).collect();
            return Some(texts.join("\n\n"));
        }
        Some("item.completed") if row["item"]["type"] == "agent_message" => &row["item"]["text"],
        Some("text") => &row["part"]["text"],
        Some("message") if row["role"] == "assistant" => &row["content"],
        Some("result") => &row["result"],
        Some(_) => return None,
        None => {
            ["result", "response", "summary", "output"].map(|key| &row[key]).into_iter().find(|it| it.is_string())?
        }
    };
    text.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::answer;

    #[test]
    fn the_last_words_of_each_client() {
        let cases = [
            (r#"{"type":"result","is_error":false,"result":"Done."}"#, Some("Done.")),
            ("{\n \"type\": \"result\",\n \"result\": \"Done.\"\n}", Some("Done.")),
            (
                "{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"I look.\"},{\"type\":\"tool_use\"}]}}\n{\"type\":\"user\"}\n{\"type\":\"assi",
                Some("I look."),
            ),
            (
                "{\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\",\"text\":\"Done.\"}}\n{\"type\":\"turn.completed\"}",
                Some("Done."),
            ),
            ("{\"type\":\"text\",\"part\":{\"text\":\"Done.\"}}\n{\"type\":\"step_finish\"}", Some("Done.")),
            (
                "{\"type\":\"message\",\"role\":\"assistant\",\"content\":\"Do\",\"delta\":true}\n{\"type\":\"message\",\"role\":\"assistant\",\"content\":\"ne.\",\"delta\":true}\n{\"type\":\"result\",\"status\":\"success\"}",
                Some("Done."),
            ),
            (r#"{"status":"completed","summary":"All 3 done"}"#, Some("All 3 done")),
            (r#"[{"type":"system"},{"type":"result","result":"Done."}]"#, Some("Done.")),
            (r#"{"type":"error","message":"no"}"#, None),
            (r#"{"status":7}"#, None),
            ("7\n\"x\"\n[]", None),
            ("", None),
        ];
        for (printed, wanted) in cases {
            assert_eq!(answer(printed.as_bytes()).as_deref(), wanted, "{printed}");
        }
    }
}
