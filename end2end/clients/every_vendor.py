"""One conversation about everything, with a model of every vendor, through any client that is given to it.

What a client is asked for is what `Client` lists; which vendors have what stands in vendors.json.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from market import TEN_DOLLARS, Checks, Market

VENDORS = json.loads((Path(__file__).parent / "vendors.json").read_text())
CHATTING = [vendor for vendor in VENDORS if "chat" in vendor]
QUESTION = "Name three harbours. [[simulate: instant]]"
STORY = "A long, long story. [[simulate: slow]]"
TOOL_QUESTION = "Is it wet?"
TEXTS = ["A ship in the harbour.", "Income tax."]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
TOKENS_MAX = 400
LEFT_AFTER_PIECES = 6
WAIT_SECONDS_MIN = 2
SETTLED_SECONDS_MAX = 20
TOOL = {
    "name": "weather",
    "description": "Tells the weather",
    "parameters": {"type": "object", "properties": {"about": {"type": "string"}}, "required": ["about"]},
}
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "berths": {"type": "integer"},
        "open": {"type": "boolean"},
        "ships": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["name", "berths", "open", "ships"],
    "additionalProperties": False,
}


class Heard:
    """What a client has heard of one answer, also of one that broke off."""

    def __init__(self, pieces_max: int | None = None) -> None:
        self.pieces_max = pieces_max
        self.id: str | None = None
        self.pieces: list[str] = []
        self.finish: str | None = None
        self.usage: tuple[int, int] | None = None
        self.calls: list[dict] = []

    def add(self, piece: str | None) -> None:
        if piece:
            self.pieces.append(piece)

    @property
    def is_enough(self) -> bool:
        """Whether it is time to hang up."""
        return self.pieces_max is not None and len(self.pieces) >= self.pieces_max

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def call_id(self) -> str:
        return (self.id or "").removeprefix("gen-")


class Client(Protocol):
    """Messages and tools are in OpenAI's shape. A method that a client has no counterpart of is absent, and `lacks` names it."""

    name: str
    lacks: set[str]

    def models(self) -> list[str]: ...
    def ask(self, model: str, messages: list[dict], heard: Heard) -> None: ...
    def stream(self, model: str, messages: list[dict], heard: Heard, tools: list[dict], usage: bool) -> None: ...
    def shaped(self, model: str, messages: list[dict], schema: dict) -> dict: ...
    def vectors(self, model: str, texts: list[str]) -> list[list[float]]: ...
    def picture(self, model: str, prompt: str) -> bytes: ...
    def status(self, error: Exception) -> int | None: ...


def counted(usage) -> tuple[int, int] | None:
    """A usage in OpenAI's words, input before output."""
    return usage and (usage.prompt_tokens, usage.completion_tokens)


def said(content: object) -> list[dict]:
    return [{"role": "user", "content": content}]


class Conversation:
    """What one paying client checks, and the calls it has paid for."""

    def __init__(self, market: Market, checks: Checks, client: Callable[[str, str, int], Client]) -> None:
        self.market, self.checks = market, checks
        self.token = market.register()
        market.top_up(self.token)
        key = market.make_key(self.token)
        poor = market.make_key(market.register())
        self.client, self.patient = client(market.base, key, 0), client(market.base, key, 2)
        self.poor = client(market.base, poor, 2)
        self.stranger = client(market.base, "mk_live_" + "0" * 49, 0)
        self.charges: dict[str, int] = {}

    def that(self, sentence: str, holds: object, detail: object = "") -> None:
        self.checks.that(f"{self.client.name}: {sentence}", holds, detail)

    def refused(
        self, what: str, status: int, words: str, call: Callable[[], object], client: Client | None = None
    ) -> None:
        """A call that must be refused with a status and words that name the cause."""
        try:
            answer = call()
        except Exception as error:  # Each client has errors of its own.
            told = (client or self.client).status(error)
            self.that(f"{what} is refused with {status}", told == status, f"{told}: {error!r}")
            self.that(f"{what} is told why", words in str(error), error)
        else:
            self.that(f"{what} is refused with {status}", False, answer)

    def everything(self) -> None:
        section = self.checks.section
        if "models" not in self.client.lacks:
            section("listing models", self.listed)
        for vendor in CHATTING:
            for step in (
                self.whole,
                self.streamed,
                self.streamed_with_usage,
                self.tool_in_a_stream,
                self.shaped,
                self.picture_in,
                self.left_in_the_middle,
                self.broken_in_the_middle,
                self.waited_for,
                self.empty_balance,
            ):
                section(f"{step.__name__} of {vendor['name']}", lambda: step(vendor, vendor["chat"]))
            if "vectors" not in self.client.lacks:
                section(f"vectors of {vendor['name']}", lambda: self.vectors(vendor))
        for vendor in VENDORS:
            if "pictures" in vendor:
                section(f"pictures of {vendor['name']}", lambda: self.picture(vendor))
        section("refusals", self.refusals)
        section("the balance afterwards", self.balance)

    def listed(self) -> None:
        ids = self.client.models()
        # Who can only chat is told only of what chats.
        kinds = {"chat", "vectors", "pictures"} - self.client.lacks
        for vendor in VENDORS:
            for kind in sorted(kinds):
                if kind in vendor:
                    self.that(f"{vendor[kind]} is listed", vendor[kind] in ids, len(ids))

    def whole(self, vendor: dict, model: str) -> None:
        heard = Heard()
        self.client.ask(model, said(QUESTION), heard)
        self.that(f"{model} answers whole", heard.text and heard.finish == "stop", vars(heard))
        self.paid(vendor, f"a whole answer of {model}", heard)
        self.whole_text = heard.text

    def streamed(self, vendor: dict, model: str) -> None:
        heard = Heard()
        self.client.stream(model, said(QUESTION), heard, [], False)
        self.that(f"a stream of {model} comes in pieces", len(heard.pieces) > 5, heard.pieces)
        self.that("and they are the whole answer", heard.text == self.whole_text, heard.text)
        self.that("which ends as it did", heard.finish == "stop", heard.finish)
        self.settled(vendor, heard)

    def streamed_with_usage(self, vendor: dict, model: str) -> None:
        heard = Heard()
        self.client.stream(model, said(QUESTION), heard, [], True)
        self.that(f"a stream of {model} with usage is the same answer", heard.text == self.whole_text, heard.text)
        self.paid(vendor, f"a stream of {model} with usage", heard)

    def tool_in_a_stream(self, vendor: dict, model: str) -> None:
        heard, messages = Heard(), said(f"{TOOL_QUESTION} [[simulate: tool-call]]")
        self.client.stream(model, messages, heard, [TOOL], True)
        called = [(call["name"], call["arguments"]) for call in heard.calls]
        self.that(f"{model} calls a tool in a stream", called == [(TOOL["name"], {"about": TOOL_QUESTION})], vars(heard))
        self.that("and says that this is why it stops", heard.finish == "tool_calls", heard.finish)
        self.paid(vendor, f"a tool call of {model}", heard)
        call = heard.calls[0]
        function = {"name": call["name"], "arguments": json.dumps(call["arguments"])}
        made = {"id": call["id"], "type": "function", "function": function}
        messages += [
            {"role": "assistant", "content": heard.text, "tool_calls": [made]},
            {"role": "tool", "tool_call_id": call["id"], "content": "Rain"},
            *said("So? [[simulate: instant]]"),
        ]
        heard = Heard()
        self.client.stream(model, messages, heard, [TOOL], False)
        self.that(f"{model} hears what the tool said", heard.text and heard.finish == "stop", vars(heard))
        self.settled(vendor, heard)

    def shaped(self, vendor: dict, model: str) -> None:
        value = self.client.shaped(model, said(QUESTION), SCHEMA)
        kinds = {name: type(part) for name, part in value.items()}
        self.that(f"{model} keeps to a schema", kinds == {"name": str, "berths": int, "open": bool, "ships": list}, value)
        self.settled(vendor)

    def picture_in(self, vendor: dict, model: str) -> None:
        url = f"data:image/png;base64,{PIXEL}"
        messages = said([{"type": "text", "text": QUESTION}, {"type": "image_url", "image_url": {"url": url}}])
        heard = Heard()
        if not vendor.get("sees"):
            self.refused(f"a picture for {model}", 400, "picture", lambda: self.client.ask(model, messages, heard))
            return
        self.client.ask(model, messages, heard)
        self.that(f"{model} is shown a picture", heard.text, vars(heard))
        self.settled(vendor, heard)

    def vectors(self, vendor: dict) -> None:
        model = vendor.get("vectors", vendor["chat"])
        if "vectors" not in vendor:
            words = "POST /v1/chat/completions"
            self.refused(f"{model}, which makes no vectors,", 404, words, lambda: self.client.vectors(model, TEXTS))
            return
        vectors = self.client.vectors(model, TEXTS)
        sizes = [len(vector) for vector in vectors]
        self.that(f"{model} makes a vector of each text", sizes == 2 * [vendor["size"]], sizes)
        lengths = [sum(number * number for number in vector) for vector in vectors]
        self.that("of unit length", all(abs(length - 1) < 0.001 for length in lengths), lengths)
        self.settled(vendor)

    def left_in_the_middle(self, vendor: dict, model: str) -> None:
        heard = Heard(pieces_max=LEFT_AFTER_PIECES)
        self.client.stream(model, said(STORY), heard, [], False)
        receipt = self.settled(vendor, heard)
        self.that(f"who leaves {model} in the middle is told so", receipt["finish"] == "stopped", receipt)
        self.that("and has paid for a part", receipt["usage"]["output"] > 0 and self.is_part(vendor, receipt), receipt)

    def broken_in_the_middle(self, vendor: dict, model: str) -> None:
        heard = Heard()
        question = said("Name three harbours. [[simulate: error-at-5]]")
        try:
            self.client.stream(model, question, heard, [], False)
        except Exception as error:  # Each client has errors of its own.
            self.that(f"{model} failing in the middle is told", str(error), repr(error))
        else:
            self.that(f"{model} failing in the middle is told", False, vars(heard))
        self.that("after what came before it", heard.text and heard.finish != "stop", vars(heard))
        receipt = self.settled(vendor, heard)
        self.that("which alone is paid", self.is_part(vendor, receipt) and receipt["usage_source"] == "estimated", receipt)

    def is_part(self, vendor: dict, receipt: dict) -> bool:
        charge, hold = int(receipt["charge_nanos"]), int(receipt["hold_nanos"])
        return charge == 0 if vendor.get("is_free") else 0 < charge < hold

    def waited_for(self, vendor: dict, model: str) -> None:
        question = said("Name three harbours. [[simulate: rate-limit]]")
        self.refused(f"{model} that is too busy", 429, "limiting", lambda: self.client.ask(model, question, Heard()))
        question = said(f"Name three harbours for {self.client.name}. [[simulate: rate-limit-once]]")
        heard, began = Heard(), time.monotonic()
        self.patient.ask(model, question, heard)
        waited = time.monotonic() - began
        self.that(f"who waits as told is answered by {model}", heard.text and waited >= WAIT_SECONDS_MIN, f"{waited:.1f} s")
        self.settled(vendor, heard)

    def empty_balance(self, vendor: dict, model: str) -> None:
        heard = Heard()
        if vendor.get("is_free"):
            self.poor.ask(model, said(QUESTION), heard)
            self.that(f"{model} is free also for an empty balance", heard.text, vars(heard))
            return
        refused = self.market.figure("mercato_payment_required_total")
        ask = lambda: self.poor.ask(model, said(QUESTION), heard)
        self.refused(f"an empty balance for {model}", 402, "your balance has", ask, self.poor)
        times = self.market.figure("mercato_payment_required_total") - refused
        self.that("and is not tried again", times == 1, times)

    def picture(self, vendor: dict) -> None:
        model = vendor["pictures"]
        words = "POST /v1/images/generations"
        self.refused(f"a chat with {model}", 404, words, lambda: self.client.ask(model, said(QUESTION), Heard()))
        if "pictures" in self.client.lacks:
            return
        picture = self.client.picture(model, "A lighthouse at dusk")
        self.that(f"{model} paints a PNG", picture.startswith(b"\x89PNG"), picture[:8])
        self.settled(vendor)

    def refusals(self) -> None:
        model, ask = CHATTING[0]["chat"], said(QUESTION)
        self.refused("a wrong key", 401, "key", lambda: self.stranger.ask(model, ask, Heard()), self.stranger)
        self.refused("an unknown model", 404, "nobody/nothing", lambda: self.client.ask("nobody/nothing", ask, Heard()))

    def paid(self, vendor: dict, what: str, heard: Heard) -> None:
        """The usage that was told is the one on the receipt."""
        receipt = self.settled(vendor, heard)
        usage = receipt["usage"]
        billed = usage["input"] + usage["cached_input"], usage["output"] + usage["reasoning"]
        is_told = heard.usage == billed and min(billed) > 0
        self.that(f"the usage of {what} is the one that is billed", is_told, (heard.usage, usage))

    def settled(self, vendor: dict, heard: Heard | None = None) -> dict:
        """Once no hold is open, the receipt of the call. A client that does not tell which it was has it looked up."""
        until = time.monotonic() + SETTLED_SECONDS_MAX
        while self.market.call("GET", "/api/v1/balance", self.token)["held_nanos"] != "0" and time.monotonic() < until:
            time.sleep(0.1)
        call_id = heard.call_id if heard else self.newest_charge()
        if call_id is None:
            self.that("what is free moves no money", vendor.get("is_free"))
            return {}
        # What is free holds nothing that would tell when it is over.
        while (receipt := self.market.find_receipt(self.token, call_id)) is None and time.monotonic() < until:
            time.sleep(0.1)
        held = self.market.call("GET", "/api/v1/balance", self.token)["held_nanos"]
        if receipt is None or held != "0":
            raise RuntimeError(f"call {call_id} is not closed: {held} are held")
        self.charges[call_id] = int(receipt["charge_nanos"])
        if heard is None or vendor.get("is_free"):
            self.that("it is paid, unless it is free", (self.charges[call_id] > 0) != bool(vendor.get("is_free")), receipt)
        return receipt

    def newest_charge(self) -> str | None:
        lines = self.market.call("GET", "/api/v1/ledger", self.token)["data"]
        new = [line["call_id"] for line in lines if line["kind"] == "usage" and line["call_id"] not in self.charges]
        return new[0] if new else None

    def balance(self) -> None:
        expected, there = TEN_DOLLARS - sum(self.charges.values()), self.market.available(self.token)
        self.that("the balance went down by exactly the charges", there == expected, f"{there} != {expected}")
        books = self.market.run("ledger", "verify")
        self.that("the books balance", books.returncode == 0, books.stdout)


def lead(client: Callable[[str, str, int], Client]) -> int:
    """Leads it through a client made of base address, key and number of retries, on a market of its own."""
    checks = Checks()
    with Market() as market:
        Conversation(market, checks, client).everything()
    return checks.end()
