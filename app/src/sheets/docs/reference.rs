//! Reading the description of the interface. It is the copy that lies beside the code, which a test holds equal to
//! what the server is made of.

use std::sync::LazyLock;

use serde_json::Value;

static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    // An empty one would be seen by tests.
    serde_json::from_str(include_str!("../../../../docs/openapi.json")).unwrap_or_default()
});

/// Fields of fields are told; what lies deeper has to be looked up in the description itself.
const DEPTH_MAX: usize = 2;

#[derive(Clone, Debug)]
pub struct Group {
    pub name: String,
    pub description: String,
    pub place: String,
}

#[derive(Clone, Debug)]
pub struct Operation {
    pub id: String,
    pub method: String,
    pub path: String,
    pub summary: String,
    pub description: String,
    pub needs_key: bool,
    /// Whether it also stands under `/v1`.
    pub has_twin: bool,
    pub parameters: Vec<Field>,
    pub body: Vec<Field>,
    pub body_example: Option<Value>,
    pub answers: Vec<Answer>,
    pub refusals: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub kind: String,
    pub is_required: bool,
    pub about: String,
    /// Where it stands, of parameters: `path`, `query` or `header`.
    pub within: String,
    pub example: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: String,
    pub about: String,
    pub kinds: Vec<String>,
    pub fields: Vec<Field>,
}

pub fn groups() -> Vec<Group> {
    let tags = DESCRIPTION["tags"].as_array().into_iter().flatten();
    tags.map(|tag| {
        let name = text(&tag["name"]);
        let place = name.to_lowercase().replace(' ', "-");
        // An article has the plainer name already.
        let place = if place == "limits" { "limits-of-keys".to_owned() } else { place };
        Group { place, description: text(&tag["description"]), name }
    })
    .collect()
}

/// Those of a group. What stands under both bases is told once.
pub fn operations(group: &str) -> Vec<Operation> {
    all().filter(|(_, _, operation)| operation["tags"][0] == group).map(read).collect()
}

#[cfg(test)]
pub fn count() -> usize {
    all().count()
}

fn all() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = DESCRIPTION["paths"].as_object().into_iter().flatten();
    paths.filter(|(path, _)| !path.starts_with("/v1/")).flat_map(|(path, operations)| {
        let operations = operations.as_object().into_iter().flatten();
        operations.map(|(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

fn read((path, method, operation): (&'static str, &'static str, &'static Value)) -> Operation {
    let content = &operation["requestBody"]["content"]["application/json"]["schema"];
    let schema = resolved(content);
    let twin = path.strip_prefix("/api").unwrap_or_default();
    let (answers, refusals) = outcomes(&operation["responses"]);
    Operation {
        id: text(&operation["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        description: text(&operation["description"]),
        needs_key: operation["security"].is_null(),
        has_twin: !DESCRIPTION["paths"][twin].is_null(),
        parameters: operation["parameters"].as_array().into_iter().flatten().map(parameter).collect(),
        body: fields(content),
        body_example: Some(schema["example"].clone()).filter(|example| !example.is_null()),
        answers,
        refusals,
    }
}

fn parameter(parameter: &'static Value) -> Field {
    let example = &parameter["example"];
    Field {
        name: text(&parameter["name"]),
        kind: kind(&parameter["schema"]),
        is_required: parameter["required"] == true,
        about: text(&parameter["description"]),
        within: text(&parameter["in"]),
        example: (!example.is_null())
            .then(|| example.as_str().map_or_else(|| example.to_string(), str::to_owned)),
    }
}

fn outcomes(responses: &'static Value) -> (Vec<Answer>, Vec<String>) {
    let (mut answers, mut refusals) = (Vec::new(), Vec::new());
    for (status, response) in responses.as_object().into_iter().flatten() {
        if !response["$ref"].is_null() {
            refusals.push(status.clone());
            continue;
        }
        let contents: Vec<(&String, &Value)> =
            response["content"].as_object().into_iter().flatten().collect();
        answers.push(Answer {
            status: status.clone(),
            about: text(&response["description"]),
            kinds: contents.iter().map(|(kind, _)| (*kind).clone()).collect(),
            fields: fields(&response["content"]["application/json"]["schema"]),
        });
    }
    (answers, refusals)
}

fn fields(schema: &'static Value) -> Vec<Field> {
    let mut found = Vec::new();
    add_fields(schema, "", 0, &mut found);
    found
}

fn add_fields(schema: &'static Value, within: &str, depth: usize, found: &mut Vec<Field>) {
    let schema = unwrapped(schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        add_fields(part, within, depth, found);
    }
    let one = schema["oneOf"]
        .as_array()
        .and_then(|forms| forms.iter().find(|form| !resolved(form)["properties"].is_null()));
    if let Some(form) = one.filter(|_| depth == 0) {
        return add_fields(form, within, depth, found);
    }
    if schema["type"] == "array" && within.is_empty() {
        return add_fields(&schema["items"], "[]", depth, found);
    }
    let is_required =
        |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let mut properties: Vec<_> = schema["properties"].as_object().into_iter().flatten().collect();
    // What must be there comes first.
    properties.sort_by_key(|(name, _)| !is_required(name));
    for (name, field) in properties {
        let path = if within.is_empty() { name.clone() } else { format!("{within}.{name}") };
        let about = [&field["description"], &unwrapped(field)["description"]];
        found.push(Field {
            kind: kind(field),
            is_required: is_required(name),
            about: about.into_iter().map(text).find(|about| !about.is_empty()).unwrap_or_default(),
            within: String::new(),
            example: None,
            name: path.clone(),
        });
        if depth + 1 < DEPTH_MAX {
            let inner = unwrapped(field);
            match inner["type"] == "array" {
                true => add_fields(&inner["items"], &format!("{path}[]"), depth + 1, found),
                false => add_fields(inner, &path, depth + 1, found),
            }
        }
    }
}

/// What kind of thing it is, in words.
fn kind(schema: &'static Value) -> String {
    let schema = unwrapped(schema);
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> =
            words.iter().filter_map(Value::as_str).map(|word| format!("“{word}”")).collect();
        return words.join(" or ");
    }
    for several in ["oneOf", "anyOf"] {
        if let Some(forms) = schema[several].as_array() {
            let kinds: Vec<String> = forms.iter().map(kind).collect();
            return kinds.join(", or ");
        }
    }
    let (name, may_be_null) = match &schema["type"] {
        Value::Array(types) => {
            let named = types.iter().filter_map(Value::as_str).find(|name| *name != "null");
            (named.unwrap_or("null"), true)
        }
        name => (name.as_str().unwrap_or_default(), false),
    };
    let told = match (name, schema["format"].as_str()) {
        ("string", Some("uuid")) => "id".to_owned(),
        ("string", Some("date-time")) => "moment, RFC 3339".to_owned(),
        ("string", Some("date")) => "day".to_owned(),
        ("string", _) => "text".to_owned(),
        ("integer", _) => "whole number".to_owned(),
        ("number", _) => "number".to_owned(),
        ("boolean", _) => "true or false".to_owned(),
        ("array", _) => format!("list of: {}", kind(&schema["items"])),
        ("null", _) => "null".to_owned(),
        _ => "object".to_owned(),
    };
    if may_be_null { format!("{told}, or null") } else { told }
}

/// What is meant by a schema that only names another, or says that it may be null.
fn unwrapped(schema: &'static Value) -> &'static Value {
    let schema = resolved(schema);
    let forms = schema["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    match forms {
        [null, one] | [one, null] if null["type"] == "null" => resolved(one),
        _ => schema,
    }
}

fn resolved(schema: &'static Value) -> &'static Value {
    let name = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/components/schemas/"));
    name.map_or(schema, |name| &DESCRIPTION["components"]["schemas"][name])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Operation {
    pub fn title(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}
