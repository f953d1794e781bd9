"""The `anthropic` package against the program: only the base address and the key are ours, and any vendor may answer.

Usage: python anthropic_client.py, with MERCATO_BIN naming the program (../target/debug/mercato by default).
"""

import sys
import time

import anthropic

from market import TEN_DOLLARS, Checks, Market, adds_up, are_texts

MODELS = ["openai/gpt-5-mini", "anthropic/claude-haiku-4-5"]
QUESTION = "Name three harbours. [[simulate: instant]]"
TOOL = {
    "name": "weather",
    "description": "Tells the weather",
    "input_schema": {"type": "object", "properties": {"about": {"type": "string"}}},
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SETTLED_SECONDS_MAX = 10


def client_of(market: Market, key: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=market.base, api_key=key, max_retries=0, timeout=60)


def asking(model: str, content: object = QUESTION, **more: object) -> dict:
    return {"model": model, "max_tokens": 400, "messages": [{"role": "user", "content": content}], **more}


class Conversation:
    """What one paying client checks, and the calls it has paid for."""

    def __init__(self, market: Market, checks: Checks) -> None:
        self.market, self.checks = market, checks
        self.token = market.register()
        market.top_up(self.token)
        self.client = client_of(market, market.make_key(self.token))
        self.charges: dict[str, int] = {}

    def models(self) -> None:
        ids = [model.id for model in self.client.models.list()]
        self.checks.that("at least 53 models are listed, over all pages", len(ids) >= 53, len(ids))
        self.checks.that("none comes twice", len(ids) == len(set(ids)))
        for model in MODELS:
            self.checks.that(f"{model} is among them", model in ids)
            found = self.client.models.retrieve(model)
            self.checks.that(f"{model} can be looked up", found.id == model and found.display_name, found)

    def whole_answer(self, model: str) -> None:
        raw = self.client.messages.with_raw_response.create(**asking(model, system="Be brief."))
        message = raw.parse()
        self.checks.that(f"{model} answers whole", message.content[0].type == "text" and message.content[0].text)
        self.checks.that("and says why it stopped", message.stop_reason == "end_turn", message.stop_reason)
        usage = message.usage.model_dump()
        self.checks.that("its usage counts tokens", usage["input_tokens"] > 0 and usage["output_tokens"] > 0, usage)
        self.paid(f"a whole answer of {model}", raw.headers["x-generation-id"], usage)

    def streamed_answer(self, model: str) -> None:
        raw = self.client.messages.with_raw_response.create(**asking(model, stream=True))
        events = list(raw.parse())
        kinds = [event.type for event in events]
        self.checks.that(f"a stream of {model} begins and ends", (kinds[0], kinds[-1]) == ("message_start", "message_stop"))
        pieces = [event.delta.text for event in events if event.type == "content_block_delta"]
        self.checks.that("it comes in pieces", len(pieces) > 5, pieces)
        self.checks.that("it begins with the input counted", events[0].message.usage.input_tokens > 0, events[0])
        last = events[-2]
        self.checks.that("the usage comes before its end", last.type == "message_delta", kinds)
        self.paid(f"a streamed answer of {model}", raw.headers["x-generation-id"], last.usage.model_dump())

    def stream_helper(self, model: str) -> None:
        with self.client.messages.stream(**asking(model)) as stream:
            text = "".join(stream.text_stream)
            message = stream.get_final_message()
        self.checks.that(f"the helper reads a stream of {model}", text and text == message.content[0].text, message)
        self.checks.that("and knows its usage", message.usage.output_tokens > 0, message.usage)
        self.settled(stream.response.headers["x-generation-id"])

    def tools_in_a_stream(self, model: str) -> None:
        question = asking(model, "Is it wet? [[simulate: tool-call]]", tools=[TOOL], tool_choice={"type": "any"})
        with self.client.messages.stream(**question) as stream:
            message = stream.get_final_message()
        self.settled(stream.response.headers["x-generation-id"])
        call = message.content[-1]
        self.checks.that(f"{model} calls a tool in a stream", message.stop_reason == "tool_use", message)
        self.checks.that("by its name, with its arguments", (call.name, call.input) == ("weather", {"about": "Is it wet?"}), call)
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "Rain"}
        question["messages"] += [
            {"role": "assistant", "content": message.content},
            {"role": "user", "content": [result, {"type": "text", "text": "So? [[simulate: instant]]"}]},
        ]
        raw = self.client.messages.with_raw_response.create(**question)
        self.checks.that("and hears what it answered", raw.parse().stop_reason == "end_turn", raw.parse())
        self.settled(raw.headers["x-generation-id"])

    def image(self, model: str) -> None:
        source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
        content = [
            {"type": "image", "source": source},
            {"type": "text", "text": QUESTION, "cache_control": {"type": "ephemeral"}},
        ]
        raw = self.client.messages.with_raw_response.create(**asking(model, content))
        self.checks.that(f"{model} is shown a picture", raw.parse().content[0].text, raw.parse())
        self.settled(raw.headers["x-generation-id"])

    def count_tokens(self) -> None:
        question = asking(MODELS[0])
        del question["max_tokens"]
        counted = self.client.messages.count_tokens(**question).input_tokens
        self.checks.that("tokens are counted", 5 < counted < 50, counted)

    def cancel_in_the_middle(self, model: str) -> None:
        before = self.market.available(self.token)
        raw = self.client.messages.with_raw_response.create(**asking(model, "A long, long story.", stream=True))
        stream = raw.parse()
        for seen, _ in enumerate(stream):
            if seen == 12:
                break
        stream.close()
        charge = self.settled(raw.headers["x-generation-id"])
        self.checks.that(f"who leaves {model} in the middle pays for what came", charge > 0 and self.held() == 0, charge)
        self.checks.that("and nothing else", self.market.available(self.token) == before - charge)

    def error_in_the_middle(self, model: str) -> None:
        raw = self.client.messages.with_raw_response.create(
            **asking(model, "Name three harbours. [[simulate: error-at-5]]", stream=True)
        )
        what = f"{model} failing in the middle"
        error = self.checks.raises(what, anthropic.APIStatusError, lambda: list(raw.parse()))
        self.checks.that(f"{what} says what failed", getattr(error, "type", None) in ("api_error", "overloaded_error"), error)
        self.settled(raw.headers["x-generation-id"])

    def paid(self, what: str, call_id: str, usage: dict) -> None:
        details = usage["cost_details"]
        self.checks.that(f"{what} tells its cost", usage["cost"] > 0, usage)
        self.checks.that(f"the amounts of {what} are texts", are_texts(details), details)
        self.checks.that(f"the cost of {what} adds up", adds_up(details), details)
        charge = self.settled(call_id)
        self.checks.that(f"the receipt of {what} is for the same charge", str(charge) == details["charge_nanos"], charge)

    def settled(self, call_id: str) -> int:
        """What a call cost, once no hold is left open."""
        until = time.monotonic() + SETTLED_SECONDS_MAX
        while self.held() > 0 and time.monotonic() < until:
            time.sleep(0.1)
        self.charges[call_id] = int(self.market.receipt(self.token, call_id)["charge_nanos"])
        return self.charges[call_id]

    def held(self) -> int:
        return int(self.market.call("GET", "/api/v1/balance", self.token)["held_nanos"])

    def refusals(self) -> None:
        stranger = client_of(self.market, "mk_live_" + "0" * 49)
        raises = self.checks.raises
        error = raises("a wrong key", anthropic.AuthenticationError, lambda: ask(stranger, MODELS[0]))
        self.checks.that("a refusal names its request", getattr(error, "request_id", None), error)
        raises("an unknown model", anthropic.NotFoundError, lambda: ask(self.client, "nobody/nothing"))
        raises("no tokens at all", anthropic.BadRequestError, lambda: ask(self.client, MODELS[0], max_tokens=0))
        overloaded = "[[simulate: overloaded]]"
        error = raises("an overload", anthropic.APIStatusError, lambda: ask(self.client, MODELS[1], content=overloaded))
        self.checks.that("an overload is told as one", getattr(error, "type", None) == "overloaded_error", error)
        poor = client_of(self.market, self.market.make_key(self.market.register()))
        error = raises("an empty balance", anthropic.APIStatusError, lambda: ask(poor, MODELS[0]))
        told = (getattr(error, "status_code", None), getattr(error, "type", None))
        self.checks.that("an empty balance is told with 402", told == (402, "billing_error"), error)
        body = str(getattr(error, "body", ""))
        self.checks.that("with what is required and available", "required" in body and "available" in body, body)

    def balance(self) -> None:
        expected, there = TEN_DOLLARS - sum(self.charges.values()), self.market.available(self.token)
        self.checks.that("the balance went down by exactly the charges", there == expected, f"{there} != {expected}")
        books = self.market.run("ledger", "verify")
        self.checks.that("the books balance", books.returncode == 0, books.stdout)


def ask(client: anthropic.Anthropic, model: str, content: str = QUESTION, **more: object):
    return client.messages.create(**{**asking(model, content), **more})


def main() -> int:
    checks = Checks()
    with Market() as market:
        conversation = Conversation(market, checks)
        checks.section("listing models", conversation.models)
        checks.section("counting tokens", conversation.count_tokens)
        for model in MODELS:
            for step in (
                conversation.whole_answer,
                conversation.streamed_answer,
                conversation.stream_helper,
                conversation.tools_in_a_stream,
                conversation.image,
                conversation.cancel_in_the_middle,
                conversation.error_in_the_middle,
            ):
                checks.section(f"{step.__name__} of {model}", lambda: step(model))
        checks.section("refusals", conversation.refusals)
        checks.section("the balance afterwards", conversation.balance)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
