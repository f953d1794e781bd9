"""schemathesis against the program: every operation of `/openapi.json` with good and bad requests, by whoever may ask.

Whatever is sent, no answer is a server error, none is undocumented in status, content type or shape, and nothing that
needs a key is answered without one. What is sent is the same each time.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from market import Checks, Market

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "ignored_auth",
]
# Our own session would be ended, and everything after it be refused.
ENDS_THE_SESSION = r"/auth/(logout|register|login|reset)"
# They would multiply everything that is bought, one vendor's answer after the other; one operation that sells tries them.
TOLD_AGAIN = "X-OpenRouter-Cache"
TRIES_TOLD_AGAIN = r"^/api/v1/embeddings$"
ACCOUNT = r"^/api/v1/(auth/me|auth/sessions$|auth/verification$|keys|limits|conversations|top-ups|subscription|quote|usage|ledger)"


def without_told_again(document: dict) -> dict:
    """The same document where no operation has the headers of answers that are told again."""
    for operations in document["paths"].values():
        for operation in operations.values():
            parameters = operation.get("parameters", [])
            operation["parameters"] = [one for one in parameters if not one["name"].startswith(TOLD_AGAIN)]
    return document


def run(base: str, document: str, asker: str, secret: str | None, *arguments: str) -> tuple[bool, str]:
    program = Path(sys.executable).with_name("schemathesis")
    command = [str(program), "run", document, "--url", base, "--checks", ",".join(CHECKS)]
    command += ["--generation-deterministic"]
    command += ["--request-timeout", "30", "--suppress-health-check", "all", "--no-color", "--continue-on-failure"]
    command += ["--no-shrink", "--workers", "1", "--warnings", "off", *arguments]
    if secret:
        command += ["--header", f"Authorization: Bearer {secret}"]
    # It keeps things where it runs.
    with tempfile.TemporaryDirectory(prefix="mercato-schema-") as folder:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900)
    print(f"--- {asker}\n{done.stdout[-20_000:]}{done.stderr[-2_000:]}", flush=True)
    return done.returncode == 0, done.stdout[-200:]


def main() -> int:
    checks = Checks()
    with Market() as market, tempfile.TemporaryDirectory(prefix="mercato-schema-") as folder:
        token = market.register()
        market.top_up(token)
        key = market.make_key(token)
        whole = f"{market.base}/openapi.json"
        plain = Path(folder, "openapi.json")
        plain.write_text(json.dumps(without_told_again(market.call("GET", "/openapi.json"))))
        every, quick = ["--phases", "examples,coverage,fuzzing", "-n", "6"], ["--phases", "examples,fuzzing", "-n", "3"]
        for asker, document, secret, arguments in [
            ("a key", plain, key, [*every, "--include-path-regex", "^/api/v1", "--exclude-path-regex", ENDS_THE_SESSION]),
            ("a key that asks again", whole, key, [*every, "--include-path-regex", TRIES_TOLD_AGAIN]),
            ("a session", whole, token, [*every, "--include-path-regex", ACCOUNT]),
            ("nobody", whole, None, quick),
        ]:
            held, told = run(market.base, str(document), asker, secret, *arguments)
            checks.that(f"every answer to {asker} is documented, and none is a server error", held, told)
        calls = market.call("GET", "/api/v1/usage", token)["total"]["calls"]
        checks.that("calls were really answered meanwhile, one of each kind at least", calls >= 7, calls)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
