"""`kill -9` in the middle of answers: the holds are closed, nobody pays more than was held, the books balance.

Usage: python kill_client.py, with MERCATO_BIN naming the program (../target/debug/mercato by default).
"""

import json
import sys
import time
import urllib.request

from market import TEN_DOLLARS, Checks, Market

MODEL = "openai/gpt-5-mini"
CALLS = 8
WRITING_SECONDS = 3
HOLDS_CLOSED_SECONDS_MAX = 60
IDLE_MEGABYTES_MAX = 30


def begin_answer(market: Market, key: str, number: int):
    """A stream that is read a line at a time."""
    body = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": f"A long, long story, number {number}."}]}
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"{market.base}/v1/chat/completions", data=json.dumps(body).encode(), headers=headers)
    return urllib.request.urlopen(request, timeout=30)


def own_megabytes(market: Market) -> float:
    """Without the program itself, which is twice as large in a build without optimisation."""
    with open(f"/proc/{market.process.pid}/status") as status:
        line = next(line for line in status if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


def killed_while_writing(market: Market, checks: Checks) -> None:
    megabytes = own_megabytes(market)
    checks.that(f"an idle server takes at most {IDLE_MEGABYTES_MAX} MB beside its program: {megabytes:.0f}", megabytes <= IDLE_MEGABYTES_MAX)
    token = market.register()
    market.top_up(token)
    key = market.make_key(token)
    answers = [begin_answer(market, key, number) for number in range(CALLS)]
    until = time.monotonic() + WRITING_SECONDS
    while time.monotonic() < until:
        for answer in answers:
            answer.readline()
    before = market.call("GET", "/api/v1/balance", token)
    held = int(before["held_nanos"])
    checks.that("the server was killed with open holds", held > 0, before)
    market.kill()
    killed = time.monotonic()
    market.start()
    while int(market.call("GET", "/api/v1/balance", token)["held_nanos"]) > 0:
        if time.monotonic() - killed > HOLDS_CLOSED_SECONDS_MAX:
            break
        time.sleep(0.25)
    after = market.call("GET", "/api/v1/balance", token)
    seconds = time.monotonic() - killed
    checks.that(f"every hold is closed within a minute: {seconds:.1f} s", after["held_nanos"] == "0", after)
    lines = [line for line in market.call("GET", "/api/v1/ledger", token)["data"] if line["kind"] == "usage"]
    charges = [-int(line["amount_nanos"]) for line in lines]
    checks.that("what had been written down is charged, once a call", len(set(line["call_id"] for line in lines)) == len(lines) == CALLS, lines)
    checks.that("nobody pays more than was held", sum(charges) <= held, charges)
    checks.that("the balance went down by exactly the charges", int(after["available_nanos"]) == TEN_DOLLARS - sum(charges), after)
    books = market.run("ledger", "verify")
    checks.that("the books balance", books.returncode == 0, books.stdout)


def main() -> int:
    checks = Checks()
    with Market() as market:
        checks.section("a server killed in the middle", lambda: killed_while_writing(market, checks))
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
