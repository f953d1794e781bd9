"""LangChain's OpenAI chat model and embeddings against the program: only the base address and the key are ours.

Usage: python langchain_client.py, with MERCATO_BIN naming the program (../target/debug/mercato by default).
"""

import sys

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from every_vendor import TOKENS_MAX, Heard, lead


class LangChain:
    name = "LangChain"
    # It has no list of models, and draws no pictures.
    lacks = {"models", "pictures"}

    def __init__(self, base: str, key: str, retries: int) -> None:
        self.told = {"base_url": f"{base}/v1", "api_key": key, "max_retries": retries, "timeout": 60}

    def chat(self, model: str, **more: object) -> ChatOpenAI:
        return ChatOpenAI(model=model, max_tokens=TOKENS_MAX, include_response_headers=True, **self.told, **more)

    def ask(self, model: str, messages: list[dict], heard: Heard) -> None:
        note(self.chat(model).invoke(messages), heard)

    def stream(self, model: str, messages: list[dict], heard: Heard, tools: list[dict], usage: bool) -> None:
        chat = self.chat(model, stream_usage=usage)
        stream = (chat.bind_tools(tools) if tools else chat).stream(messages)
        whole: AIMessageChunk | None = None
        for chunk in stream:
            heard.id = heard.id or called(chunk)
            heard.add(chunk.text)
            whole = chunk if whole is None else whole + chunk
            if heard.is_enough:
                stream.close()
                return
        note(whole, heard, is_streamed=True)

    def shaped(self, model: str, messages: list[dict], schema: dict) -> dict:
        schema = {"title": "harbour", **schema}
        return self.chat(model).with_structured_output(schema, method="json_schema", strict=True).invoke(messages)

    def vectors(self, model: str, texts: list[str]) -> list[list[float]]:
        # Else it counts with OpenAI's own tokens, which no other vendor's model knows.
        embeddings = OpenAIEmbeddings(model=model, check_embedding_ctx_length=False, **self.told)
        return embeddings.embed_documents(texts)

    def status(self, error: Exception) -> int | None:
        return getattr(error, "status_code", None)


def called(message: AIMessage) -> str | None:
    """The call, which stands in a header: a stream has an id of LangChain's own."""
    return message.response_metadata.get("headers", {}).get("x-generation-id")


def note(message: AIMessage, heard: Heard, is_streamed: bool = False) -> None:
    heard.id = heard.id or called(message)
    heard.finish = message.response_metadata.get("finish_reason")
    if not is_streamed:
        heard.add(message.text)
    usage = message.usage_metadata
    heard.usage = usage and (usage["input_tokens"], usage["output_tokens"])
    heard.calls = [{"id": call["id"], "name": call["name"], "arguments": call["args"]} for call in message.tool_calls]


if __name__ == "__main__":
    sys.exit(lead(LangChain))
