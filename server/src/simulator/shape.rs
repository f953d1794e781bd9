//! The simplest value that a JSON schema allows, for whoever wants an answer in a shape.

use serde_json::{Map, Value, json};

/// A schema that contains itself ends here.
const DEPTH_MAX: usize = 8;
const ITEMS_MAX: u64 = 16;
const NUMBER: i64 = 7;

/// A value that fits the schema, with the text wherever words are wanted. Any object fits none.
pub fn fitting(schema: &Value, text: &str) -> Value {
    let whole = Shape { root: schema, text };
    match whole.fit(schema, 0) {
        Value::Null => json!({ "about": text }),
        value => value,
    }
}

struct Shape<'a> {
    root: &'a Value,
    text: &'a str,
}

impl Shape<'_> {
    fn fit(&self, schema: &Value, depth: usize) -> Value {
        if depth > DEPTH_MAX {
            return Value::Null;
        }
        if let Some(value) = schema.get("const").or_else(|| schema["enum"].get(0)) {
            return value.clone();
        }
        if let Some(elsewhere) = schema["$ref"].as_str().and_then(|name| self.find(name)) {
            return self.fit(elsewhere, depth + 1);
        }
        let first = ["anyOf", "oneOf", "allOf"].into_iter().find_map(|several| schema[several].get(0));
        if let Some(first) = first {
            return self.fit(first, depth + 1);
        }
        match kind(schema) {
            Some("object") => self.object(schema, depth),
            Some("array") => self.array(schema, depth),
            Some("string") => json!(self.text),
            Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(NUMBER)),
            Some("boolean") => json!(true),
            _ => Value::Null,
        }
    }

    fn find(&self, name: &str) -> Option<&Value> {
        self.root.pointer(name.strip_prefix('#')?)
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let properties = schema["properties"].as_object().into_iter().flatten();
        let fields = properties.map(|(name, schema)| (name.clone(), self.fit(schema, depth + 1)));
        Value::Object(fields.collect::<Map<_, _>>())
    }

    fn array(&self, schema: &Value, depth: usize) -> Value {
        let items = schema["minItems"].as_u64().unwrap_or(1).clamp(1, ITEMS_MAX);
        let item = self.fit(&schema["items"], depth + 1);
        if item.is_null() { json!([]) } else { (0..items).map(|_| item.clone()).collect() }
    }
}

/// The first of its types that is not null; what has properties is an object, said or not.
fn kind(schema: &Value) -> Option<&str> {
    let types = &schema["type"];
    let first = || types.as_array()?.iter().filter_map(Value::as_str).find(|possible| *possible != "null");
    let implied = schema.get("properties").map(|_| "object");
    types.as_str().or_else(first).or(implied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_is_found() {
        let schema = json!({
            "$defs": {"port": {"type": "object", "properties": {"name": {"type": "string"}}}},
            "type": "object",
            "properties": {
                "ports": {"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/port"}},
                "sea": {"enum": ["north", "south"]},
                "depth": {"type": ["null", "number"]},
                "berths": {"type": "integer", "minimum": 12},
                "open": {"type": "boolean"},
                "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            },
        });
        let port = json!({"name": "Quay"});
        let fitting = fitting(&schema, "Quay");
        assert_eq!(
            fitting,
            json!({
                "ports": [port, port], "sea": "north", "depth": 7, "berths": 12, "open": true, "note": "Quay",
            })
        );
    }

    #[test]
    fn a_schema_that_contains_itself_ends() {
        let schema = json!({"type": "object", "properties": {"next": {"$ref": "#"}}});
        assert!(fitting(&schema, "Quay").is_object());
    }

    #[test]
    fn any_object_fits_no_schema() {
        assert_eq!(fitting(&json!({}), "Quay"), json!({"about": "Quay"}));
    }
}
