"""The `openai` package's responses against the program: plain, streamed, parsed, with a tool, and what is refused.

Usage: python responses_client.py, with MERCATO_BIN naming the program (../target/debug/mercato by default).
"""

import json
import sys

import openai

from market import Checks, Market, adds_up

MODELS = ["openai/gpt-5-mini", "anthropic/claude-haiku-4-5", "google/gemini-3.5-flash"]
QUESTION = "Name three harbours."
TOOL = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a place.",
    "strict": False,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


class Conversation:
    """What one paying client checks."""

    def __init__(self, market: Market, checks: Checks) -> None:
        self.market, self.checks = market, checks
        self.token = market.register()
        market.top_up(self.token)
        key = market.make_key(self.token)
        self.client = openai.OpenAI(base_url=f"{market.base}/v1", api_key=key, max_retries=0, timeout=60)

    def plain_and_streamed(self) -> None:
        for model in MODELS:
            answer = self.client.responses.create(model=model, input=QUESTION, instructions="Be brief.")
            self.checks.that(f"a response of {model} has text", answer.output_text, answer)
            self.checks.that("it is completed and not stored", answer.status == "completed" and answer.store is False)
            details = answer.usage.model_dump()["cost_details"]
            self.checks.that("its cost adds up", adds_up(details), details)
            events = list(self.client.responses.create(model=model, input=QUESTION, stream=True))
            text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
            last = events[-1]
            self.checks.that("a stream ends with a completed response", last.type == "response.completed", last.type)
            self.checks.that("its pieces are its text", text and text == last.response.output_text, text)
            numbers = [event.sequence_number for event in events]
            self.checks.that("its events are numbered", numbers == list(range(len(events))), numbers)

    def helper(self) -> None:
        """The package puts the pieces together by itself, and minds their order."""
        with self.client.responses.stream(model=MODELS[0], input=QUESTION) as stream:
            for _ in stream:
                pass
            answer = stream.get_final_response()
        self.checks.that("the package follows a stream to its end", answer.output_text, answer)

    def tools(self) -> None:
        for model in MODELS:
            asked = [{"role": "user", "content": "What is the weather in Lisbon? [[simulate: tool-call]]"}]
            answer = self.client.responses.create(model=model, input=asked, tools=[TOOL])
            calls = [item for item in answer.output if item.type == "function_call"]
            self.checks.that(f"{model} calls a tool", calls and json.loads(calls[0].arguments) is not None, answer)
            asked = [{"role": "user", "content": "What is the weather in Lisbon?"}]
            asked += [item.model_dump(exclude_none=True) for item in answer.output]
            asked.append({"type": "function_call_output", "call_id": calls[0].call_id, "output": "Sunny."})
            answer = self.client.responses.create(model=model, input=asked, tools=[TOOL])
            self.checks.that("it answers from what the tool said", answer.output_text, answer)

    def refusals(self) -> None:
        create = self.client.responses.create
        error = self.checks.raises(
            "an earlier response",
            openai.BadRequestError,
            lambda: create(model=MODELS[0], input=QUESTION, previous_response_id="resp_1"),
        )
        self.checks.that("is named", getattr(error, "param", None) == "previous_response_id", error)
        self.checks.raises("an unknown model", openai.NotFoundError, lambda: create(model="nobody/nothing", input=QUESTION))
        self.checks.raises("reading a response", openai.NotFoundError, lambda: self.client.responses.retrieve("resp_1"))
        broken = create(model=MODELS[0], input="Tell me a story. [[simulate: error-at-5]]", stream=True)
        try:
            last = list(broken)[-1].type
        except openai.APIError:
            last = "raised"
        self.checks.that("a response that breaks says so", last in ("response.failed", "raised"), last)


def main() -> int:
    checks = Checks()
    with Market() as market:
        conversation = Conversation(market, checks)
        checks.section("plain and streamed responses", conversation.plain_and_streamed)
        checks.section("the package's own helper", conversation.helper)
        checks.section("tools", conversation.tools)
        checks.section("refusals", conversation.refusals)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
