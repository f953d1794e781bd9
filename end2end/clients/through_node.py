"""Leads the conversation of every_vendor.py through a client in Node, a line of JSON for each question and each answer.

Usage: python through_node.py CLIENT.mjs, with MERCATO_BIN naming the program (../target/debug/mercato by default).
"""

import base64
import json
import subprocess
import sys
from pathlib import Path

from every_vendor import TOKENS_MAX, Heard, lead


class Refused(Exception):
    """An error that the client in Node threw."""

    def __init__(self, told: dict) -> None:
        super().__init__(told["message"])
        self.status = told.get("status")


class Node:
    """A process of its own for all clients of one script."""

    def __init__(self, script: Path) -> None:
        self.process = subprocess.Popen(["node", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        hello = self.read()
        self.name, self.lacks = hello["name"], set(hello["lacks"])

    def read(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the client in Node is gone")
        return json.loads(line)

    def ask(self, question: dict) -> dict:
        print(json.dumps(question), file=self.process.stdin, flush=True)
        return self.read()


class ThroughNode:
    def __init__(self, node: Node, base: str, key: str, retries: int) -> None:
        self.node, self.name, self.lacks = node, node.name, node.lacks
        self.place = {"base": base, "key": key, "retries": retries, "tokensMax": TOKENS_MAX}

    def call(self, verb: str, heard: Heard | None = None, **asked: object):
        told = self.node.ask({"verb": verb, **self.place, **asked})
        if heard is not None:
            note(told["heard"], heard)
        if "error" in told:
            raise Refused(told["error"])
        return told.get("value")

    def models(self) -> list[str]:
        return self.call("models")

    def ask(self, model: str, messages: list[dict], heard: Heard) -> None:
        self.call("ask", heard, model=model, messages=messages)

    def stream(self, model: str, messages: list[dict], heard: Heard, tools: list[dict], usage: bool) -> None:
        asked = {"model": model, "messages": messages, "tools": tools, "usage": usage, "piecesMax": heard.pieces_max}
        self.call("stream", heard, **asked)

    def shaped(self, model: str, messages: list[dict], schema: dict) -> dict:
        return self.call("shaped", model=model, messages=messages, schema=schema)

    def vectors(self, model: str, texts: list[str]) -> list[list[float]]:
        return self.call("vectors", model=model, texts=texts)

    def picture(self, model: str, prompt: str) -> bytes:
        return base64.b64decode(self.call("picture", model=model, prompt=prompt))

    def status(self, error: Exception) -> int | None:
        return getattr(error, "status", None)


def note(told: dict, heard: Heard) -> None:
    heard.id, heard.finish = told.get("id"), told.get("finish")
    heard.pieces, heard.calls = told["pieces"], told["calls"]
    usage = told.get("usage")
    heard.usage = usage and (usage["input"], usage["output"])


if __name__ == "__main__":
    node = Node(Path(sys.argv[1]))
    sys.exit(lead(lambda base, key, retries: ThroughNode(node, base, key, retries)))
