"""The `anthropic` package with a model of every vendor: only the base address and the key are ours.

Usage: python anthropic_vendors_client.py, with MERCATO_BIN naming the program (../target/debug/mercato by default).
"""

import json
import sys

import anthropic

from every_vendor import TOKENS_MAX, Heard, lead

FINISHES = {"end_turn": "stop", "tool_use": "tool_calls"}


class Anthropic:
    name = "anthropic"
    # It makes no vectors and draws no pictures.
    lacks = {"vectors", "pictures"}

    def __init__(self, base: str, key: str, retries: int) -> None:
        self.client = anthropic.Anthropic(base_url=base, api_key=key, max_retries=retries, timeout=60)

    def models(self) -> list[str]:
        return [model.id for model in self.client.models.list()]

    def ask(self, model: str, messages: list[dict], heard: Heard) -> None:
        raw = self.client.messages.with_raw_response.create(**asked(model, messages))
        heard.id = raw.headers["x-generation-id"]
        note(raw.parse(), heard)

    def stream(self, model: str, messages: list[dict], heard: Heard, tools: list[dict], usage: bool) -> None:
        more: dict = {"tools": [offered(tool) for tool in tools]} if tools else {}
        with self.client.messages.stream(**asked(model, messages), **more) as stream:
            heard.id = stream.response.headers["x-generation-id"]
            for piece in stream.text_stream:
                heard.add(piece)
                if heard.is_enough:
                    return
            note(stream.get_final_message(), heard, is_streamed=True)

    def shaped(self, model: str, messages: list[dict], schema: dict) -> dict:
        config = {"format": {"type": "json_schema", "schema": schema}}
        answer = self.client.messages.create(**asked(model, messages), extra_body={"output_config": config})
        return json.loads(answer.content[0].text)

    def status(self, error: Exception) -> int | None:
        return getattr(error, "status_code", None)


def asked(model: str, messages: list[dict]) -> dict:
    return {"model": model, "max_tokens": TOKENS_MAX, "messages": [worded(message) for message in messages]}


def worded(message: dict) -> dict:
    """A message in Anthropic's words."""
    if message["role"] == "tool":
        result = {"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": message["content"]}
        return {"role": "user", "content": [result]}
    content = message["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else [shown(part) for part in content]
    parts = [part for part in parts if part.get("text") != ""]
    for call in message.get("tool_calls", []):
        function = call["function"]
        used = {"type": "tool_use", "id": call["id"], "name": function["name"], "input": json.loads(function["arguments"])}
        parts.append(used)
    return {"role": message["role"], "content": parts}


def shown(part: dict) -> dict:
    if part["type"] != "image_url":
        return part
    kind, data = part["image_url"]["url"].removeprefix("data:").split(";base64,")
    return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}


def offered(tool: dict) -> dict:
    return {"name": tool["name"], "description": tool["description"], "input_schema": tool["parameters"]}


def note(message: anthropic.types.Message, heard: Heard, is_streamed: bool = False) -> None:
    heard.finish = FINISHES.get(message.stop_reason, message.stop_reason)
    heard.usage = message.usage.input_tokens, message.usage.output_tokens
    for block in message.content:
        if block.type == "tool_use":
            heard.calls.append({"id": block.id, "name": block.name, "arguments": block.input})
        elif block.type == "text" and not is_streamed:
            heard.add(block.text)


if __name__ == "__main__":
    sys.exit(lead(Anthropic))
