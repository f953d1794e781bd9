"""The `openai` package with a model of every vendor: only the base address and the key are ours.

Usage: python openai_vendors_client.py, with MERCATO_BIN naming the program (../target/debug/mercato by default).
"""

import base64
import json
import sys

import openai

from every_vendor import TOKENS_MAX, Heard, counted, lead


class OpenAi:
    name = "openai"
    lacks: set[str] = set()

    def __init__(self, base: str, key: str, retries: int) -> None:
        self.client = openai.OpenAI(base_url=f"{base}/v1", api_key=key, max_retries=retries, timeout=60)

    def models(self) -> list[str]:
        return [model.id for model in self.client.models.list()]

    def ask(self, model: str, messages: list[dict], heard: Heard) -> None:
        answer = self.client.chat.completions.create(model=model, messages=messages, max_tokens=TOKENS_MAX)
        [choice] = answer.choices
        heard.id, heard.finish, heard.usage = answer.id, choice.finish_reason, counted(answer.usage)
        heard.add(choice.message.content)

    def stream(self, model: str, messages: list[dict], heard: Heard, tools: list[dict], usage: bool) -> None:
        """The helper joins the pieces, also those of calls."""
        more: dict = {"tools": [{"type": "function", "function": tool} for tool in tools]} if tools else {}
        if usage:
            more["stream_options"] = {"include_usage": True}
        asked = self.client.chat.completions.stream(model=model, messages=messages, max_tokens=TOKENS_MAX, **more)
        with asked as stream:
            for event in stream:
                if event.type != "chunk":
                    continue
                heard.id, heard.usage = event.chunk.id, counted(event.chunk.usage) or heard.usage
                heard.add(event.chunk.choices[0].delta.content if event.chunk.choices else None)
                if heard.is_enough:
                    return
            [choice] = stream.get_final_completion().choices
        heard.finish = choice.finish_reason
        heard.calls = [
            {"id": call.id, "name": call.function.name, "arguments": json.loads(call.function.arguments)}
            for call in choice.message.tool_calls or []
        ]

    def shaped(self, model: str, messages: list[dict], schema: dict) -> dict:
        shape = {"name": "harbour", "strict": True, "schema": schema}
        answer = self.client.chat.completions.create(
            model=model,
            messages=messages,
            max_tokens=TOKENS_MAX,
            response_format={"type": "json_schema", "json_schema": shape},
        )
        return json.loads(answer.choices[0].message.content)

    def vectors(self, model: str, texts: list[str]) -> list[list[float]]:
        """The package asks for base64 by itself and decodes it."""
        return [item.embedding for item in self.client.embeddings.create(model=model, input=texts).data]

    def picture(self, model: str, prompt: str) -> bytes:
        return base64.b64decode(self.client.images.generate(model=model, prompt=prompt).data[0].b64_json)

    def status(self, error: Exception) -> int | None:
        return getattr(error, "status_code", None)


if __name__ == "__main__":
    sys.exit(lead(OpenAi))
