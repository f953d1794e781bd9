//! Tools in Anthropic's shape, put into the fields of our options.

use marketplace::fault::Fault;
use serde_json::{Map, Value, json};

/// Without tools a choice among them is no choice, and some vendors refuse one.
pub fn add(
    tools: Option<Value>,
    choice: Option<Value>,
    options: &mut Map<String, Value>,
) -> Result<(), Fault> {
    let tools = match tools {
        None => Vec::new(),
        Some(Value::Array(tools)) => tools.into_iter().map(function).collect::<Result<Vec<_>, _>>()?,
        Some(_) => return Err(Fault::invalid("tools", "must be a list")),
    };
    if tools.is_empty() {
        return Ok(());
    }
    options.insert("tools".to_owned(), Value::Array(tools));
    if let Some(choice) = choice {
        options.insert("tool_choice".to_owned(), chosen(&choice)?);
        if choice["disable_parallel_tool_use"] == true {
            options.insert("parallel_tool_calls".to_owned(), json!(false));
        }
    }
    Ok(())
}

fn function(tool: Value) -> Result<Value, Fault> {
    let Value::Object(mut tool) = tool else { return Err(Fault::invalid("tools", "must be objects")) };
    if let Some(other) = tool.get("type").and_then(Value::as_str).filter(|kind| *kind != "custom") {
        let problem = format!("may only be your own, with an input_schema; {other} is not sold here");
        return Err(Fault::invalid("tools", &problem));
    }
    let mut function = Map::new();
    match (tool.remove("name"), tool.remove("input_schema")) {
        (Some(name @ Value::String(_)), Some(schema @ Value::Object(_))) => {
            function.extend([("name".to_owned(), name), ("parameters".to_owned(), schema)]);
        }
        _ => return Err(Fault::invalid("tools", "need a name and an input_schema each")),
    }
    for field in ["description", "strict"] {
        let value = tool.remove(field).filter(|value| !value.is_null());
        function.extend(value.map(|value| (field.to_owned(), value)));
    }
    let mut said = json!({ "type": "function", "function": function });
    if let Some(mark @ Value::Object(_)) = tool.remove("cache_control") {
        said["cache_control"] = mark;
    }
    Ok(said)
}

fn chosen(choice: &Value) -> Result<Value, Fault> {
    match (choice["type"].as_str(), choice["name"].as_str()) {
        (Some("auto"), _) => Ok(json!("auto")),
        (Some("any"), _) => Ok(json!("required")),
        (Some("none"), _) => Ok(json!("none")),
        (Some("tool"), Some(name)) => Ok(json!({ "type": "function", "function": { "name": name } })),
        _ => Err(Fault::invalid("tool_choice", "must be of type auto, any, none, or tool with a name")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tools: Value, choice: Value) -> Result<Value, Fault> {
        let mut options = Map::new();
        add(Some(tools), Some(choice), &mut options)?;
        Ok(Value::Object(options))
    }

    #[test]
    fn a_tool_becomes_a_function_and_its_choice_keeps_its_meaning() {
        let tools = json!([{
            "name": "weather", "description": "d", "input_schema": {"type": "object"}, "type": "custom",
            "cache_control": {"type": "ephemeral"},
        }]);
        let function = json!({"name": "weather", "description": "d", "parameters": {"type": "object"}});
        let said =
            json!([{"type": "function", "function": function, "cache_control": {"type": "ephemeral"}}]);
        for (choice, ours) in [
            (json!({"type": "auto"}), json!("auto")),
            (json!({"type": "any"}), json!("required")),
            (json!({"type": "none"}), json!("none")),
            (
                json!({"type": "tool", "name": "weather"}),
                json!({"type": "function", "function": {"name": "weather"}}),
            ),
        ] {
            let options = read(tools.clone(), choice).unwrap();
            assert_eq!(options, json!({"tools": said, "tool_choice": ours}));
        }
        let one = read(tools, json!({"type": "any", "disable_parallel_tool_use": true})).unwrap();
        assert_eq!(one["parallel_tool_calls"], false);
    }

    #[test]
    fn without_tools_there_is_no_choice() {
        assert_eq!(read(json!([]), json!({"type": "any"})).unwrap(), json!({}));
    }

    #[test]
    fn tools_of_the_vendors_are_refused() {
        for tool in [json!({"type": "bash_20250124", "name": "bash"}), json!({"name": "f"}), json!("f")] {
            assert_eq!(
                read(json!([tool]), json!({"type": "auto"})).unwrap_err().field.as_deref(),
                Some("tools")
            );
        }
        let tool = json!([{"name": "f", "input_schema": {}}]);
        assert_eq!(read(tool, json!({"type": "tool"})).unwrap_err().field.as_deref(), Some("tool_choice"));
    }
}
