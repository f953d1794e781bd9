"""Whole-number money: what tokens cost, and how a disagreement is told."""

TOKENS_A_RATE = 1_000_000
WHOLE_BPS = 10_000


class Disagreement(Exception):
    """Two figures that must be the same are not."""


def agree(subject: str, what: str, found: object, expected: object) -> None:
    if found != expected:
        raise Disagreement(f"{subject}: {what}: found {found}, expected {expected}")


def ceiling(value: int, by: int) -> int:
    return -(-value // by)


def charge_of(rates: dict, tokens: dict, take_bps: int) -> tuple[int, int, int]:
    """Vendor's cost, commission and charge, each rounded up once and never by parts."""
    weight = sum(count * rates[name] for name, count in tokens.items())
    cost = ceiling(weight, TOKENS_A_RATE)
    charge = ceiling(cost * WHOLE_BPS, WHOLE_BPS - take_bps)
    return cost, charge - cost, charge


def nanos_of(text: str) -> int:
    """An amount as the API writes it."""
    return int(text, 10)
