"""Every example of the docs in curl, Python and JavaScript, run against the program as it is written there.

Only what a reader has to put in is put in: the key, and names of things of theirs. Those in Rust are run by the
server's own tests.
"""

import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

from market import Checks, Market

PASSWORD = "quiet-harbour-lantern-73"
# What cannot be had by a program alone, and why.
NOT_TRIED = {
    "/auth/verification": "letters are sent once a minute, and what is in them is no program's",
    "/auth/keys": "its code comes from somebody who agreed on a page",
    "/auth/reset/": "its secret comes in a letter",
    "conversations/": "conversations are begun on the pages",
    "/statements/": "there is one when a month is over",
    "/books/blocks/": "there is one when the books are sealed",
}


class Reader:
    """Somebody who reads the docs and has what is needed to try them."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.email = f"reader-{uuid.uuid4()}@example.org"
        body = {"email": self.email, "password": PASSWORD}
        self.token = market.call("POST", "/api/v1/auth/register", body=body)["token"]
        market.top_up(self.token)
        self.key = market.make_key(self.token)
        self.call_id = self.buy()

    def tidy(self) -> None:
        """A plan allows few keys, so those that were tried make room for the next."""
        for key in self.market.call("GET", "/api/v1/keys", self.token)["data"]:
            if not self.key.startswith(key["prefix"]) and not key["revoked"]:
                self.market.delete(f"/api/v1/keys/{key['id']}", self.token)

    def buy(self) -> str:
        body = {"model": "openai/gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}]}
        answer = self.market.call("POST", "/api/v1/chat/completions", self.key, body)
        return answer["id"].removeprefix("gen-")

    def sign_in(self) -> str:
        body = {"email": self.email, "password": PASSWORD}
        return self.market.call("POST", "/api/v1/auth/login", body=body)["token"]

    def secret(self, operation: str) -> str:
        if operation.endswith("/logout"):
            return self.sign_in()
        return self.key if operation.endswith("/key") else self.token

    def name_for(self, operation: str) -> str:
        """The name of something that the operation can be about."""
        call = self.market.call
        if "/auth/sessions/" in operation:
            self.sign_in()
            sessions = call("GET", "/api/v1/auth/sessions", self.token)["data"]
            return next(session["id"] for session in sessions if not session["is_this_one"])
        if "/keys/" in operation:
            return call("POST", "/api/v1/keys", self.token, {"name": "to be tried"})["id"]
        if "/presets/" in operation:
            body = {"config": {"model": "openai/gpt-5-mini"}}
            return call("PUT", "/api/v1/presets/to-be-tried", self.token, body)["slug"]
        if "/top-ups/" in operation:
            return call("POST", "/api/v1/top-ups", self.token, {"amount_usd": "5.00"})["id"]
        return self.call_id

    def email_for(self, operation: str) -> str:
        return f"reader-{uuid.uuid4()}@example.org" if operation.endswith("/register") else self.email


def command(language: str, code: str, folder: str) -> list[str]:
    ending, *start = {
        "curl": ("sh", "sh"),
        "python": ("py", sys.executable),
        "javascript": ("mjs", "node"),
    }[language]
    script = Path(folder) / f"example.{ending}"
    script.write_text(code)
    return [*start, str(script)]


def main() -> int:
    checks = Checks()
    with Market() as market, tempfile.TemporaryDirectory(prefix="mercato-examples-") as folder:
        reader = Reader(market)
        told = market.call("GET", "/docs/examples.json")
        for example in told["data"]:
            operation = example["operation"]
            if any(part in operation for part in NOT_TRIED):
                continue
            for language in ("curl", "python", "javascript"):
                reader.tidy()
                code = example["samples"][language].replace("ada@example.org", reader.email_for(operation))
                if told["placeholder"] in code:
                    code = code.replace(told["placeholder"], reader.name_for(operation))
                environment = {**os.environ, "MERCATO_KEY": reader.secret(operation), "NO_PROXY": "127.0.0.1"}
                done = subprocess.run(
                    command(language, code, folder), env=environment, capture_output=True, text=True, timeout=60
                )
                detail = (done.stdout + done.stderr)[-600:]
                checks.that(f"{operation} in {language}", done.returncode == 0, detail)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
