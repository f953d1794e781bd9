"""LiteLLM as a client of the program: only the base address and the key are ours.

Usage: python litellm_client.py, with MERCATO_BIN naming the program (../target/debug/mercato by default).
"""

import base64
import json
import os
import sys

# Else it fetches a list of prices at its start.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm

from every_vendor import TOKENS_MAX, Heard, counted, lead

litellm.suppress_debug_info = True


class LiteLlm:
    name = "LiteLLM"
    lacks: set[str] = set()

    def __init__(self, base: str, key: str, retries: int) -> None:
        self.told = {"api_base": f"{base}/v1", "api_key": key, "timeout": 60}
        self.retries = retries

    def call(self, model: str, messages: list[dict], **more: object):
        model = f"openai/{model}"
        return litellm.completion(
            model=model, messages=messages, max_tokens=TOKENS_MAX, max_retries=self.retries, **self.told, **more
        )

    def models(self) -> list[str]:
        place = {name: self.told[name] for name in ("api_key", "api_base")}
        return litellm.get_valid_models(check_provider_endpoint=True, custom_llm_provider="openai", **place)

    def ask(self, model: str, messages: list[dict], heard: Heard) -> None:
        note(self.call(model, messages), heard)

    def stream(self, model: str, messages: list[dict], heard: Heard, tools: list[dict], usage: bool) -> None:
        more: dict = {"tools": [{"type": "function", "function": tool} for tool in tools]} if tools else {}
        if usage:
            more["stream_options"] = {"include_usage": True}
        stream = self.call(model, messages, stream=True, **more)
        chunks = []
        for chunk in stream:
            heard.id = chunk.id
            chunks.append(chunk)
            heard.add(chunk.choices[0].delta.content if chunk.choices else None)
            if heard.is_enough:
                stream.completion_stream.close()
                return
        note(litellm.stream_chunk_builder(chunks, messages=messages), heard, is_streamed=True)

    def shaped(self, model: str, messages: list[dict], schema: dict) -> dict:
        shape = {"name": "harbour", "strict": True, "schema": schema}
        answer = self.call(model, messages, response_format={"type": "json_schema", "json_schema": shape})
        return json.loads(answer.choices[0].message.content)

    def vectors(self, model: str, texts: list[str]) -> list[list[float]]:
        answer = litellm.embedding(model=f"openai/{model}", input=texts, max_retries=self.retries, **self.told)
        return [item["embedding"] for item in answer.data]

    def picture(self, model: str, prompt: str) -> bytes:
        answer = litellm.image_generation(model=f"openai/{model}", prompt=prompt, max_retries=self.retries, **self.told)
        return base64.b64decode(answer.data[0].b64_json)

    def status(self, error: Exception) -> int | None:
        return getattr(error, "status_code", None)


def note(answer: litellm.ModelResponse, heard: Heard, is_streamed: bool = False) -> None:
    choice = answer.choices[0]
    heard.id, heard.finish = answer.id, choice.finish_reason
    if not is_streamed:
        heard.add(choice.message.content)
    heard.usage = counted(answer.usage)
    heard.calls = [
        {"id": call.id, "name": call.function.name, "arguments": json.loads(call.function.arguments)}
        for call in choice.message.tool_calls or []
    ]


if __name__ == "__main__":
    sys.exit(lead(LiteLlm))
