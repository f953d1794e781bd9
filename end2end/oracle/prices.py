"""Prices straight from catalogue.toml, as whole nano-dollars for a million tokens."""

import tomllib
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

NANOS_A_DOLLAR = 1_000_000_000
COMPONENTS = ("input", "output", "cached_input", "cache_write", "cache_write_1h", "reasoning")
# The server's clock decides which hour a call begins in, the database's when its hold was opened.
CLOCKS_APART = timedelta(seconds=2)


def nanos(dollars: str) -> int:
    value = Decimal(dollars) * NANOS_A_DOLLAR
    if value != int(value):
        raise ValueError(f"{dollars} is not a whole number of nano-dollars")
    return int(value)


class Model:
    """What vendors ask for one model: each of them its own price."""

    def __init__(self, stanza: dict) -> None:
        own = {stanza["id"], stanza["id"].split("/", 1)[1]}
        self.offers = {offer["provider"]: Offer(offer, own) for offer in [stanza, *stanza.get("offers", [])]}


class Offer:
    def __init__(self, stanza: dict, names: set[str]) -> None:
        self.names = {stanza["upstream"], *names}
        listed = {"input": "0", "output": "0"} if stanza.get("free") else stanza.get("price", {})
        self.plain = self.read(listed)
        # Output is counted in pictures; a rate is that of a million of whatever it counts.
        if "picture" in listed:
            self.plain = {"input": 0, "output": nanos(listed["picture"]) * 1_000_000}
        self.long = stanza.get("long_context")
        self.off_peak = stanza.get("off_peak")
        self.terms = dict(self.plain)
        if "picture" in listed:
            self.terms["output_unit"] = 1
        if self.long:
            self.terms["long_context"] = {"above_input_tokens": self.long["above_input_tokens"], **self.tier(self.long)}
        if self.off_peak:
            windows = [
                {"weekdays": window["weekdays"], "from_minute": window_minutes(window)[0], "until_minute": window_minutes(window)[1]}
                for window in self.off_peak["windows"]
            ]
            self.terms["off_peak"] = {"windows": windows, **self.tier(self.off_peak)}

    @staticmethod
    def read(listed: dict) -> dict:
        return {name: nanos(listed[name]) for name in COMPONENTS if name in listed}

    def tier(self, listed: dict) -> dict:
        return {**self.plain, **self.read(listed)}

    def rates_at(self, tokens: dict, opened_at: str) -> list[dict]:
        """The rates for a call of this size begun about this moment: two when it began on the edge of an hour."""
        prompt = sum(tokens[name] for name in ("input", "cached_input", "cache_write", "cache_write_1h"))
        if self.long and prompt > self.long["above_input_tokens"]:
            return [whole(self.tier(self.long))]
        if not self.off_peak:
            return [whole(self.plain)]
        opened = datetime.fromisoformat(opened_at).astimezone(timezone.utc)
        cheap = {self.is_off_peak(opened), self.is_off_peak(opened + CLOCKS_APART)}
        return [whole(self.tier(self.off_peak) if is_cheap else self.plain) for is_cheap in cheap]

    def is_off_peak(self, at: datetime) -> bool:
        minute = at.hour * 60 + at.minute
        spans = [(window["weekdays"], *window_minutes(window)) for window in self.off_peak["windows"]]
        return any(at.isoweekday() in weekdays and start <= minute < end for weekdays, start, end in spans)


def window_minutes(window: dict) -> tuple[int, int]:
    start, end = ([int(part) for part in clock.split(":")] for clock in window["hours"].split("-"))
    return start[0] * 60 + start[1], (end[0] * 60 + end[1]) or 24 * 60


def whole(listed: dict) -> dict:
    """Every component with its rate: what has none of its own is billed as plain input or output."""
    cache_write = listed.get("cache_write", listed["input"])
    return {
        "input": listed["input"],
        "cached_input": listed.get("cached_input", listed["input"]),
        "cache_write": cache_write,
        "cache_write_1h": listed.get("cache_write_1h", cache_write),
        "output": listed["output"],
        "reasoning": listed.get("reasoning", listed["output"]),
    }


class Catalogue(dict):
    """Models by id. Those found on servers of the operator's own stand in no file, and cost nothing."""

    LOCAL = ("ollama/", "tgi/")

    def __missing__(self, name: str) -> Model:
        if not name.startswith(self.LOCAL):
            raise KeyError(name)
        provider, upstream = name.split("/", 1)
        return Model({"id": name, "provider": provider, "upstream": upstream, "free": True})


def read_catalogue(path: Path) -> dict[str, Model]:
    with path.open("rb") as file:
        return Catalogue({stanza["id"]: Model(stanza) for stanza in tomllib.load(file)["model"]})
