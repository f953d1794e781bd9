//! How to call models from a program, with this market's own address.

use leptos::prelude::*;
use marketplace::model::{Kind, Model};

use super::draw;
use crate::components::{CopyButton, Drawn};

#[component]
pub fn CodeSamples(model: Model, origin: String) -> impl IntoView {
    let clients = match model.kind {
        Kind::Chat => "Any OpenAI or Anthropic client works.",
        _ => "Any OpenAI client works.",
    };
    let samples = samples(model.kind, &origin, model.id.as_str())
        .into_iter()
        .enumerate()
        .map(|(place, (name, code))| view! { <Sample among="sample" name code is_open=place == 0 /> })
        .collect_view();
    view! {
        <section id="code" class="stack" aria-labelledby="code-title">
            <h2 id="code-title">"Code"</h2>
            <p class="soft">
                {clients}" Make a key on the "<a href="/keys">"keys page"</a>
                " and put it into the environment as "<code>"MERCATO_KEY"</code>"."
            </p>
            {samples}
        </section>
    }
    .into_any()
}

/// A program, folded away while another of the same ones is open.
#[component]
pub fn Sample(#[prop(into)] among: String, name: &'static str, code: String, is_open: bool) -> impl IntoView {
    view! {
        <details class="code sample" name=among open=is_open>
            <summary class="code-head">{name}</summary>
            <div class="sample-body">
                <CopyButton text=code.clone() />
                <pre tabindex="0"><code>{code}</code></pre>
            </div>
        </details>
    }
    .into_any()
}

/// The smallest program that uses a key.
pub fn first_program(origin: &str) -> Drawn {
    let program = python(origin);
    draw(|| {
        view! {
            <div class="code">
                <div class="code-head">"Python"<CopyButton text=program.clone() /></div>
                <pre tabindex="0" role="region" aria-label="Python program"><code>{program}</code></pre>
            </div>
        }
    })
}

fn python(origin: &str) -> String {
    format!(
        r#"from openai import OpenAI

client = OpenAI(base_url="{origin}/v1", api_key="mk_live_…")
answer = client.chat.completions.create(
    model="openai/gpt-5-mini",
    messages=[{{"role": "user", "content": "Say hello."}}],
)
print(answer.choices[0].message.content)
print(answer.usage.cost)"#
    )
}

/// The samples of a kind of model, with `ORIGIN` and `MODEL` filled in.
fn samples(kind: Kind, origin: &str, id: &str) -> Vec<(&'static str, String)> {
    let templates: &[(&'static str, &str)] = match kind {
        Kind::Embedding => &EMBEDDING,
        Kind::Image => &IMAGE,
        Kind::Chat | Kind::Completion => &CHAT,
    };
    let filled = |template: &str| template.replace("ORIGIN", origin).replace("MODEL", id);
    templates.iter().map(|(name, template)| (*name, filled(template))).collect()
}

const CHAT: [(&str, &str); 5] = [
    (
        "curl",
        r#"curl ORIGIN/v1/chat/completions \
  -H "Authorization: Bearer $MERCATO_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "model": "MODEL",
    "messages": [{"role": "user", "content": "Hello"}]
  }'
"#,
    ),
    (
        "Python",
        r#"import os
from openai import OpenAI

client = OpenAI(base_url="ORIGIN/v1", api_key=os.environ["MERCATO_KEY"])
answer = client.chat.completions.create(
    model="MODEL",
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.choices[0].message.content)
"#,
    ),
    (
        "JavaScript",
        r#"import OpenAI from "openai";

const client = new OpenAI({
  baseURL: "ORIGIN/v1",
  apiKey: process.env.MERCATO_KEY,
});
const answer = await client.chat.completions.create({
  model: "MODEL",
  messages: [{ role: "user", content: "Hello" }],
});
console.log(answer.choices[0].message.content);
"#,
    ),
    (
        "Rust",
        r#"// cargo add reqwest --features blocking,json; cargo add serde_json
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer: Value = reqwest::blocking::Client::new()
        .post("ORIGIN/v1/chat/completions")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&json!({
            "model": "MODEL",
            "messages": [{"role": "user", "content": "Hello"}],
        }))
        .send()?
        .error_for_status()?
        .json()?;
    println!("{}", answer["choices"][0]["message"]["content"]);
    Ok(())
}
"#,
    ),
    (
        "Python, Anthropic's client",
        r#"import os
from anthropic import Anthropic

client = Anthropic(base_url="ORIGIN", api_key=os.environ["MERCATO_KEY"])
answer = client.messages.create(
    model="MODEL",
    max_tokens=500,
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.content[0].text)
"#,
    ),
];

const EMBEDDING: [(&str, &str); 4] = [
    (
        "curl",
        r#"curl ORIGIN/v1/embeddings \
  -H "Authorization: Bearer $MERCATO_KEY" \
  -H "Content-Type: application/json" \
  -d '{"model": "MODEL", "input": "The quick brown fox"}'
"#,
    ),
    (
        "Python",
        r#"import os
from openai import OpenAI

client = OpenAI(base_url="ORIGIN/v1", api_key=os.environ["MERCATO_KEY"])
answer = client.embeddings.create(model="MODEL", input="The quick brown fox")
print(answer.data[0].embedding)
"#,
    ),
    (
        "JavaScript",
        r#"import OpenAI from "openai";

const client = new OpenAI({
  baseURL: "ORIGIN/v1",
  apiKey: process.env.MERCATO_KEY,
});
const answer = await client.embeddings.create({
  model: "MODEL",
  input: "The quick brown fox",
});
console.log(answer.data[0].embedding);
"#,
    ),
    (
        "Rust",
        r#"// cargo add reqwest --features blocking,json; cargo add serde_json
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer: Value = reqwest::blocking::Client::new()
        .post("ORIGIN/v1/embeddings")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&json!({
            "model": "MODEL",
            "input": "The quick brown fox",
        }))
        .send()?
        .error_for_status()?
        .json()?;
    println!("{}", answer["data"][0]["embedding"]);
    Ok(())
}
"#,
    ),
];

const IMAGE: [(&str, &str); 4] = [
    (
        "curl",
        r#"curl ORIGIN/v1/images/generations \
  -H "Authorization: Bearer $MERCATO_KEY" \
  -H "Content-Type: application/json" \
  -d '{"model": "MODEL", "prompt": "A lighthouse at dusk", "size": "1024x1024"}'
"#,
    ),
    (
        "Python",
        r#"import base64, os
from openai import OpenAI

client = OpenAI(base_url="ORIGIN/v1", api_key=os.environ["MERCATO_KEY"])
answer = client.images.generate(model="MODEL", prompt="A lighthouse at dusk")
with open("lighthouse.png", "wb") as file:
    file.write(base64.b64decode(answer.data[0].b64_json))
"#,
    ),
    (
        "JavaScript",
        r#"import { writeFileSync } from "node:fs";
import OpenAI from "openai";

const client = new OpenAI({
  baseURL: "ORIGIN/v1",
  apiKey: process.env.MERCATO_KEY,
});
const answer = await client.images.generate({
  model: "MODEL",
  prompt: "A lighthouse at dusk",
});
writeFileSync("lighthouse.png", answer.data[0].b64_json, "base64");
"#,
    ),
    (
        "Rust",
        r#"// cargo add reqwest --features blocking,json; cargo add serde_json
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer: Value = reqwest::blocking::Client::new()
        .post("ORIGIN/v1/images/generations")
        .bearer_auth(std::env::var("MERCATO_KEY")?)
        .json(&json!({
            "model": "MODEL",
            "prompt": "A lighthouse at dusk",
        }))
        .send()?
        .error_for_status()?
        .json()?;
    println!("{}", answer["data"][0]["b64_json"]);
    Ok(())
}
"#,
    ),
];
