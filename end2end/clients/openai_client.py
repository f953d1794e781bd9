"""The `openai` package against the program: only the base address and the key are ours.

Usage: python openai_client.py, with MERCATO_BIN naming the program (../target/debug/mercato by default).
"""

import base64
import sys

import openai

from market import TEN_DOLLARS, Checks, Market, adds_up, are_texts

MODEL = "openai/gpt-5-mini"
GEMINI = "google/gemini-2.5-flash"
EMBEDDING_MODEL = "openai/text-embedding-3-small"
IMAGE_MODEL = "stability/stable-image-core"
TEXTS = ["A ship in the harbour.", "Income tax."]
MESSAGES = [{"role": "user", "content": "Name three harbours."}]


def client_of(market: Market, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{market.base}/v1", api_key=key, max_retries=0, timeout=60)


class Conversation:
    """What one paying client checks, and the calls it has paid for."""

    def __init__(self, market: Market, checks: Checks) -> None:
        self.market, self.checks = market, checks
        self.token = market.register()
        market.top_up(self.token)
        self.client = client_of(market, market.make_key(self.token))
        self.charges: dict[str, int] = {}

    def models(self) -> None:
        models = self.client.models.list().data
        self.checks.that("at least 53 models are listed", len(models) >= 53, len(models))
        self.checks.that(f"{MODEL} is among them", MODEL in {model.id for model in models})

    def whole_answer(self) -> None:
        raw = self.client.chat.completions.with_raw_response.create(model=MODEL, messages=MESSAGES)
        answer = raw.parse()
        self.checks.that("a whole answer has content", answer.choices[0].message.content)
        usage = answer.usage.model_dump()
        self.checks.that("its usage counts tokens", usage["prompt_tokens"] > 0 and usage["completion_tokens"] > 0, usage)
        self.paid("a whole answer", raw.headers["x-generation-id"], usage)

    def streamed_answer(self) -> None:
        stream = self.client.chat.completions.with_raw_response.create(
            model=MODEL, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream.parse())
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        self.checks.that("a stream yields text", text)
        last = chunks[-1]
        self.checks.that("its last chunk has usage and no choices", last.usage and not last.choices, last)
        self.checks.that("no other chunk has usage", not any(chunk.usage for chunk in chunks[:-1]))
        self.paid("a streamed answer", stream.headers["x-generation-id"], last.usage.model_dump())

    def likelihoods(self) -> None:
        """How likely the words were, of a vendor of this protocol and of one that tells it in words of its own."""
        for model in (MODEL, GEMINI):
            asked = dict(model=model, messages=MESSAGES, logprobs=True, top_logprobs=2)
            raw = self.client.chat.completions.with_raw_response.create(**asked)
            answer = raw.parse()
            [choice] = answer.choices
            words = choice.logprobs.content
            text = "".join(word.token for word in words)
            self.checks.that(f"{model} says how likely each of its words was", text == choice.message.content, words)
            self.checks.that("and what else there was", all(len(word.top_logprobs) == 2 for word in words), words)
            whole = all(bytes(word.bytes).decode() == word.token and word.logprob <= 0 for word in words)
            self.checks.that("with numbers and bytes", whole, words)
            self.paid(f"an answer of {model} with likelihoods", raw.headers["x-generation-id"], answer.usage.model_dump())
            stream = self.client.chat.completions.with_raw_response.create(
                stream=True, stream_options={"include_usage": True}, **asked
            )
            chunks = list(stream.parse())
            told = [chunk.choices[0].logprobs for chunk in chunks if chunk.choices]
            streamed = [word for one in told if one for word in one.content]
            self.checks.that(f"a stream of {model} tells the same", streamed == words, streamed)
            self.paid(f"a stream of {model} with likelihoods", stream.headers["x-generation-id"], chunks[-1].usage.model_dump())

    def embeddings(self) -> None:
        """The package asks for base64 by itself and decodes it."""
        raw = self.client.embeddings.with_raw_response.create(model=EMBEDDING_MODEL, input=TEXTS)
        coded = raw.parse()
        self.checks.that("each text has its vector", [item.index for item in coded.data] == [0, 1])
        self.checks.that("a vector has the model's size", len(coded.data[0].embedding) == 1_536)
        length = sum(number * number for number in coded.data[0].embedding)
        self.checks.that("a vector has unit length", abs(length - 1) < 0.001, length)
        self.paid("vectors in base64", raw.headers["x-generation-id"], coded.usage.model_dump())
        raw = self.client.embeddings.with_raw_response.create(
            model=EMBEDDING_MODEL, input=TEXTS[0], encoding_format="float", dimensions=256
        )
        plain = raw.parse()
        self.checks.that("a smaller vector is as small as asked", len(plain.data[0].embedding) == 256)
        self.paid("a vector in numbers", raw.headers["x-generation-id"], plain.usage.model_dump())

    def images(self) -> None:
        raw = self.client.images.with_raw_response.generate(model=IMAGE_MODEL, prompt="A lighthouse at dusk")
        answer = raw.parse()
        picture = base64.b64decode(answer.data[0].b64_json)
        self.checks.that("a picture is a PNG", picture.startswith(b"\x89PNG"), picture[:8])
        self.paid("a picture", raw.headers["x-generation-id"], answer.usage.model_dump())

    def completions(self) -> None:
        raw = self.client.completions.with_raw_response.create(model=MODEL, prompt="Name three harbours.")
        answer = raw.parse()
        self.checks.that("a text is continued", answer.choices[0].text)
        self.paid("a continued text", raw.headers["x-generation-id"], answer.usage.model_dump())
        stream = self.client.completions.with_raw_response.create(
            model=MODEL, prompt="Name three harbours.", stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream.parse())
        text = "".join(chunk.choices[0].text for chunk in chunks if chunk.choices)
        self.checks.that("a streamed continuation is the same text", text == answer.choices[0].text, text)
        self.paid("a streamed continuation", stream.headers["x-generation-id"], chunks[-1].usage.model_dump())

    def paid(self, what: str, call_id: str, usage: dict) -> None:
        details = usage["cost_details"]
        self.checks.that(f"{what} tells its cost", usage["cost"] > 0, usage)
        self.checks.that(f"the amounts of {what} are texts", are_texts(details), details)
        self.checks.that(f"the cost of {what} adds up", adds_up(details), details)
        receipt = self.market.receipt(self.token, call_id)
        self.checks.that(f"the receipt of {what} adds up", adds_up(receipt), receipt)
        self.checks.that(
            f"the receipt of {what} is for the same charge", receipt["charge_nanos"] == details["charge_nanos"], receipt
        )
        self.charges[call_id] = int(receipt["charge_nanos"])

    def refusals(self) -> None:
        stranger = client_of(self.market, "mk_live_" + "0" * 49)
        self.checks.raises("a wrong key", openai.AuthenticationError, lambda: ask(stranger, MODEL))
        self.checks.raises("an unknown model", openai.NotFoundError, lambda: ask(self.client, "nobody/nothing"))
        self.checks.raises(
            "a chat model asked for vectors", openai.NotFoundError, lambda: self.client.embeddings.create(model=MODEL, input="a")
        )
        self.checks.raises(
            "an empty text", openai.BadRequestError, lambda: self.client.embeddings.create(model=EMBEDDING_MODEL, input="")
        )
        poor = client_of(self.market, self.market.make_key(self.market.register()))
        error = self.checks.raises("an empty balance", openai.APIStatusError, lambda: ask(poor, MODEL))
        self.checks.that("an empty balance is told with 402", getattr(error, "status_code", None) == 402, error)
        told = str(getattr(error, "body", ""))
        self.checks.that("with what is required and available", "required" in told and "available" in told, told)

    def balance(self) -> None:
        expected, there = TEN_DOLLARS - sum(self.charges.values()), self.market.available(self.token)
        self.checks.that("eleven calls were paid for", len(self.charges) == 11, self.charges)
        self.checks.that("the balance went down by exactly the charges", there == expected, f"{there} != {expected}")


def ask(client: openai.OpenAI, model: str):
    return client.chat.completions.create(model=model, messages=MESSAGES)


def main() -> int:
    checks = Checks()
    with Market() as market:
        conversation = Conversation(market, checks)
        checks.section("listing models", conversation.models)
        checks.section("a whole answer", conversation.whole_answer)
        checks.section("a streamed answer", conversation.streamed_answer)
        checks.section("likelihoods", conversation.likelihoods)
        checks.section("vectors", conversation.embeddings)
        checks.section("pictures", conversation.images)
        checks.section("continued texts", conversation.completions)
        checks.section("refusals", conversation.refusals)
        checks.section("the balance afterwards", conversation.balance)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
