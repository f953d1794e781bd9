//! How to call an operation, in four languages. Tests run what is written here against a server.

use serde_json::{Map, Value, json};

use super::reference::{Operation, groups, operations};

/// Stands where the reader has to put the name of something of theirs.
pub const PLACEHOLDER: &str = "ID";

/// Longer than this, a list or an object is broken into lines.
const LINE_MAX: usize = 64;

/// How a language writes what JSON has words for.
struct Words {
    null: &'static str,
    yes: &'static str,
    no: &'static str,
}

const JSON: Words = Words { null: "null", yes: "true", no: "false" };
const PYTHON: Words = Words { null: "None", yes: "True", no: "False" };

/// Every example there is, for those who try them.
pub fn all(origin: &str) -> Value {
    let operations = groups().into_iter().flat_map(|group| operations(&group.name));
    let examples = operations.map(|operation| {
        let samples: Map<String, Value> =
            samples(&operation, origin).into_iter().map(|(language, code)| (language.to_lowercase(), json!(code))).collect();
        json!({
            "id": operation.id, "operation": operation.title(), "needs_key": operation.needs_key, "samples": samples,
        })
    });
    json!({ "placeholder": PLACEHOLDER, "data": examples.collect::<Vec<_>>() })
}

pub fn samples(operation: &Operation, origin: &str) -> [(&'static str, String); 4] {
    let call = Call { operation, address: format!("{origin}{}", place(operation)) };
    [
        ("curl", call.curl()),
        ("Python", call.python()),
        ("JavaScript", call.javascript()),
        ("Rust", call.rust()),
    ]
}

struct Call<'a> {
    operation: &'a Operation,
    address: String,
}

/// The path with something in place of its names, and the query where one is needed.
fn place(operation: &Operation) -> String {
    let mut place = operation.path.clone();
    let mut query = Vec::new();
    for parameter in &operation.parameters {
        let value = parameter.example.as_deref().unwrap_or(PLACEHOLDER);
        match parameter.within.as_str() {
            "path" => place = place.replace(&format!("{{{}}}", parameter.name), value),
            "query" if parameter.example.is_some() => query.push(format!("{}={value}", parameter.name)),
            _ => {}
        }
    }
    if query.is_empty() { place } else { format!("{place}?{}", query.join("&")) }
}

impl Call<'_> {
    fn curl(&self) -> String {
        let mut lines = vec![format!("curl --fail-with-body \"{}\"", self.address)];
        let has_body = self.operation.body_example.is_some();
        let usual = if has_body { "POST" } else { "GET" };
        if self.operation.method != usual {
            lines.push(format!("-X {}", self.operation.method));
        }
        if self.operation.needs_key {
            lines.push("-H \"Authorization: Bearer $MERCATO_KEY\"".to_owned());
        }
        if let Some(body) = &self.operation.body_example {
            lines.push("-H \"Content-Type: application/json\"".to_owned());
            lines.push(format!("-d '{}'", written(body, &JSON, 1).replace('\'', "'\\''")));
        }
        lines.join(" \\\n  ") + "\n"
    }

    fn python(&self) -> String {
        let method = self.operation.method.to_lowercase();
        let mut arguments = vec![format!("\"{}\"", self.address)];
        let mut imports = "import requests\n";
        if self.operation.needs_key {
            imports = "import os\n\nimport requests\n";
            arguments.push("headers={\"Authorization\": f\"Bearer {os.environ['MERCATO_KEY']}\"}".to_owned());
        }
        if let Some(body) = &self.operation.body_example {
            arguments.push(format!("json={}", written(body, &PYTHON, 2)));
        }
        arguments.push("timeout=60".to_owned());
        let arguments = arguments.join(",\n    ");
        format!(
            "{imports}\nanswer = requests.{method}(\n    {arguments},\n)\nanswer.raise_for_status()\nprint(answer.text)\n"
        )
    }

    fn javascript(&self) -> String {
        let (mut headers, mut options) = (Vec::new(), Vec::new());
        if self.operation.method != "GET" {
            options.push(format!("method: \"{}\"", self.operation.method));
        }
        if self.operation.needs_key {
            headers.push("Authorization: `Bearer ${process.env.MERCATO_KEY}`");
        }
        if self.operation.body_example.is_some() {
            headers.push("\"Content-Type\": \"application/json\"");
        }
        if !headers.is_empty() {
            options.push(format!("headers: {{ {} }}", headers.join(", ")));
        }
        if let Some(body) = &self.operation.body_example {
            options.push(format!("body: JSON.stringify({})", written(body, &JSON, 1)));
        }
        let options = match options.is_empty() {
            true => String::new(),
            false => format!(", {{\n  {},\n}}", options.join(",\n  ")),
        };
        format!(
            "const answer = await fetch(\"{}\"{options});\nif (!answer.ok) throw new Error(await answer.text());\nconsole.log(await answer.text());\n",
            self.address
        )
    }

    fn rust(&self) -> String {
        let method = self.operation.method.to_lowercase();
        let mut lines = vec![format!(".{method}(\"{}\")", self.address)];
        if self.operation.needs_key {
            lines.push(".bearer_auth(std::env::var(\"MERCATO_KEY\")?)".to_owned());
        }
        if let Some(body) = &self.operation.body_example {
            lines.push(format!(".json(&serde_json::json!({}))", written(body, &JSON, 4)));
        }
        lines.extend([".send()", ".await?", ".error_for_status()?"].map(str::to_owned));
        let lines = lines.join("\n        ");
        format!(
            "// cargo add reqwest --features json; cargo add serde_json; cargo add tokio --features full\n#[tokio::main]\nasync fn main() -> Result<(), Box<dyn std::error::Error>> {{\n    let answer = reqwest::Client::new()\n        {lines};\n    println!(\"{{}}\", answer.text().await?);\n    Ok(())\n}}\n"
        )
    }
}

/// A value as a language writes it, `depth` steps of two blanks from the edge.
fn written(value: &Value, words: &Words, depth: usize) -> String {
    let line = in_a_line(value, words);
    if depth_of(value) == 0 || (line.len() <= LINE_MAX && depth_of(value) == 1 && !has_model(value)) {
        return line;
    }
    let (before, after) = ("  ".repeat(depth + 1), "  ".repeat(depth));
    match value {
        Value::Array(items) => {
            let items: Vec<String> =
                items.iter().map(|item| format!("{before}{}", written(item, words, depth + 1))).collect();
            format!("[\n{}\n{after}]", items.join(",\n"))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = ordered(fields)
                .into_iter()
                .map(|(name, value)| format!("{before}\"{name}\": {}", written(value, words, depth + 1)))
                .collect();
            format!("{{\n{}\n{after}}}", fields.join(",\n"))
        }
        _ => line,
    }
}

fn in_a_line(value: &Value, words: &Words) -> String {
    match value {
        Value::Null => words.null.to_owned(),
        Value::Bool(true) => words.yes.to_owned(),
        Value::Bool(false) => words.no.to_owned(),
        Value::Number(_) | Value::String(_) => value.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| in_a_line(item, words)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = ordered(fields)
                .into_iter()
                .map(|(name, value)| format!("\"{name}\": {}", in_a_line(value, words)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

/// What a request is about comes first.
fn ordered(fields: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let first = ["model", "role", "task", "name", "email", "messages", "input", "prompt"];
    let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
    fields.sort_by_key(|(name, _)| first.iter().position(|one| one == name).unwrap_or(first.len()));
    fields
}

fn has_model(value: &Value) -> bool {
    value.get("model").is_some()
}

fn depth_of(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth_of).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth_of).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_writes_what_it_has_no_word_for_in_its_own() {
        let value = json!({"model": "a/b", "stream": false, "stop": null, "tools": [{"a": 1}]});
        let python = written(&value, &PYTHON, 0);
        assert_eq!(
            python,
            "{\n  \"model\": \"a/b\",\n  \"stop\": None,\n  \"stream\": False,\n  \"tools\": [\n    {\"a\": 1}\n  ]\n}"
        );
        assert!(written(&value, &JSON, 0).contains("\"stop\": null"));
    }

    #[test]
    fn a_call_with_a_body_is_posted_and_one_without_is_not() {
        let quote = operations("Calls").into_iter().find(|one| one.path.ends_with("/quote")).unwrap();
        let [(_, curl), (_, python), (_, javascript), (_, rust)] = samples(&quote, "https://market.example");
        assert!(curl.contains("-d '{") && !curl.contains("-X"), "{curl}");
        assert!(curl.contains("\"https://market.example/api/v1/quote\""), "{curl}");
        assert!(python.contains("requests.post("), "{python}");
        assert!(javascript.contains("method: \"POST\""), "{javascript}");
        assert!(rust.contains(".post(\"https://market.example/api/v1/quote\")"), "{rust}");
    }
}
