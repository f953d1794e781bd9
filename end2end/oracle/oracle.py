"""An independent check of the books: recomputes every call from what its vendor really did, in whole numbers only.

Usage: python oracle.py FOLDER, where FOLDER holds
    truth.jsonl   what the simulator did, one request a line
    ledger.jsonl  rows of the database, one a line: {"table": "hold", "row": {…}}
    calls.jsonl   what clients saw, one call a line

It shares no code with the product. Prices come from catalogue.toml, the rules from the specification of the books.
The exit code is 0 when everything agrees; otherwise the first call that does not is named.
"""

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

from amounts import Disagreement, agree, charge_of, nanos_of
from prices import Offer, read_catalogue
from vendors import EMBEDDINGS, IMAGES, REPORTED_MAX, billable, input_reported

CATALOGUE = Path(__file__).resolve().parents[2] / "catalogue.toml"
# What a killed server may have forwarded and never billed.
GIVEN_AWAY_TOKENS_MAX = 1_024
BYTES_A_TOKEN = 4
# A vendor may put more around a conversation than we do, and the simulator cuts no letter that takes several tokens.
TOKENS_APART = 4
# After these failures another vendor may be asked.
PASSING = ("unreachable", "rate_limited", "overloaded", "server_error", "timeout", "truncated_stream", "malformed_stream")
# An answer in one piece that breaks off was read and thrown away.
WHOLE_ONLY = ("truncated_stream", "malformed_stream", "server_error", "timeout")
COUNTS = ("input", "cached_input", "cache_write", "cache_write_1h", "output", "reasoning")


class Books:
    """The rows of the ledger, by table and by call."""

    def __init__(self, path: Path) -> None:
        self.tables = defaultdict(list)
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            self.tables[entry["table"]].append(entry["row"])
        self.holds = self.once("hold", "call_id")
        self.usage = self.once("usage_call", "call_id")
        self.prices = self.once("price", "price_id")
        self.transactions = self.once("ledger_tx", "tx_id")
        self.entries = defaultdict(list)
        for entry in self.tables["ledger_entry"]:
            self.entries[entry["tx_id"]].append(entry)
        self.attempts = defaultdict(list)
        for attempt in self.tables["call_attempt"]:
            self.attempts[attempt["call_id"]].append(attempt)
        self.paying = defaultdict(list)
        for transaction in self.tables["ledger_tx"]:
            if transaction["kind"] == "usage":
                self.paying[transaction["call_id"]].append(transaction)

    def once(self, table: str, key: str) -> dict:
        rows = {}
        for row in self.tables[table]:
            agree(row[key], f"{table} rows with this {key}", 1 + (row[key] in rows), 1)
            rows[row[key]] = row
        return rows


def same_offer(one: dict, other: dict) -> bool:
    return (one["provider"], one["model_id"]) == (other["provider"], other["model_id"])


class Oracle:
    def __init__(self, folder: Path) -> None:
        self.catalogue = read_catalogue(CATALOGUE)
        self.books = Books(folder / "ledger.jsonl")
        self.truth = self.requests(folder / "truth.jsonl")
        self.seen = {}
        for line in (folder / "calls.jsonl").read_text().splitlines():
            call = json.loads(line)
            if call["call_id"]:
                agree(call["call_id"], "clients that were given this call", 1 + (call["call_id"] in self.seen), 1)
                self.seen[call["call_id"]] = call
        self.figures = Counter()
        self.given_away_most = 0
        self.unread_most = 0

    @staticmethod
    def requests(path: Path) -> dict:
        """What vendors were asked for each call, oldest first."""
        found = defaultdict(list)
        for line in path.read_text().splitlines():
            record = json.loads(line)
            call = record["request_id"]
            agree(record["id"], "request without the id of a call", call is None, False)
            found[call].append(record)
        for records in found.values():
            records.sort(key=lambda record: record["started_at_ms"])
        return found

    def answering(self, call: str) -> dict | None:
        """The request that counts. A second one reaches another vendor, and only after the first gave nothing at all."""
        attempts = sorted(self.books.attempts[call], key=lambda attempt: attempt["number"])
        records = self.truth.get(call, [])
        agree(call, "requests that reached a vendor", len(records) <= max(1, len(attempts)), True)
        if len(attempts) < 2:
            return records[0] if records else None
        agree(call, "vendors are asked one after the other", [attempt["number"] for attempt in attempts], [1, 2])
        agree(call, "the second is another offer", same_offer(*attempts), False)
        agree(call, "the hold is for the second", same_offer(attempts[1], self.books.holds[call]), True)
        agree(call, "the first is known to have failed", attempts[0]["outcome"] in PASSING, True)
        self.figures["calls answered by a second vendor, or asked of one"] += 1
        # A vendor that could not be reached has no record of it.
        for record in records:
            if record["vendor"] == attempts[0]["provider"]:
                agree(call, "nothing came of the first", record["completion_bytes_sent"] == 0 or attempts[0]["outcome"] in WHOLE_ONLY, True)
        last = [record for record in records if record["vendor"] == attempts[1]["provider"]]
        agree(call, "requests that reached the second vendor", len(last) <= 1, True)
        return last[0] if last else None

    def check(self) -> None:
        for call in self.truth:
            agree(call, "hold for a request that reached the vendor", call in self.books.holds, True)
        for call, hold in self.books.holds.items():
            self.check_call(call, hold)
        for call, seen in self.seen.items():
            agree(call, "usage row for a call that a client was given", call in self.books.usage, True)
        self.check_money()
        self.check_wallets()
        self.check_keys()

    def check_call(self, call: str, hold: dict) -> None:
        agree(call, "state of the hold is final", hold["state"] in ("captured", "released"), True)
        agree(call, "usage row of a closed hold", call in self.books.usage, True)
        usage, record, seen = self.books.usage[call], self.answering(call), self.seen.get(call)
        for field in ("account_id", "api_key_id", "model_id", "provider", "price_id", "take_bps"):
            agree(call, field, usage[field], hold[field])
        tokens = {name: usage[name] for name in COUNTS}
        source, output = usage["usage_source"], usage["output"] + usage["reasoning"]
        self.figures[f"usage from {source}"] += 1
        if record is None:
            # Its server died, or its client left, between the hold and the question.
            agree(call, "charge without a vendor", (source, usage["charge"], output), ("none", 0, 0))
            self.figures["calls that never reached a vendor"] += 1
        else:
            agree(call, "vendor", record["vendor"], usage["provider"])
            agree(call, "model asked of the vendor", record["model"] in self.offer(usage).names, True)
            self.check_counts(call, usage, record, seen)
        self.check_charge(call, usage, hold, tokens)
        if seen:
            self.check_told(call, usage, hold, seen)

    def offer(self, usage: dict) -> Offer:
        return self.catalogue[usage["model_id"]].offers[usage["provider"]]

    def check_counts(self, call: str, usage: dict, record: dict, seen: dict | None) -> None:
        """Who counted, and whether they may have counted this much."""
        reported = billable(record["dialect"], record["usage_reported"])
        counted = {name: usage[name] for name in COUNTS}
        source, output = usage["usage_source"], usage["output"] + usage["reasoning"]
        sent = record["completion_bytes_sent"]
        reaped = usage["finish"] == "interrupted"
        undisturbed = seen is not None and seen["ended"] in ("whole", "failed") and not reaped
        if source == "provider":
            agree(call, "counts of the vendor", counted, reported)
            agree(call, "the vendor's answer was complete", record["finished"], "complete")
            if seen and seen["streamed"] and seen["ended"] == "cut":
                self.figures["streams cut off after they were charged in full"] += 1
                agree(call, "bytes that arrived of an answer charged in full", seen["bytes"], sent)
            return
        parts = {name: count for name, count in counted.items() if name not in ("input", "output")}
        agree(call, "parts of an estimate", set(parts.values()), {0})
        was_sent = output * BYTES_A_TOKEN <= sent or output <= record["completion_tokens_sent"] + TOKENS_APART
        agree(call, f"at most {sent} bytes delivered, {output} tokens billed", was_sent, True)
        self.figures["calls that ended early or uncounted, none billed beyond what was delivered"] += 1
        if source == "none" and undisturbed:
            agree(call, "an answer with content is paid", sent == 0 or record["finished"] in ("refused", "truncated") or seen["bytes"] < BYTES_A_TOKEN, True)
        if undisturbed and record["finished"] == "complete" and seen["status"] == 200:
            agree(call, "a trustworthy report is billed", reported is None or sent == 0, True)
        if source == "estimated" and undisturbed:
            self.check_estimate(call, usage, record, seen, output)
        if seen and (reaped or seen["ended"] == "cut"):
            self.check_cut(call, usage, seen, output)
        if seen and seen["streamed"] and seen["ended"] == "left" and not reaped:
            self.unread_most = max(self.unread_most, output - seen["bytes"] // BYTES_A_TOKEN)

    def check_estimate(self, call: str, usage: dict, record: dict, seen: dict, output: int) -> None:
        """What came whole is counted like its vendor counts, if it did; what was cut off by the bytes that came."""
        # The bound is that of each answer, where several were asked for.
        affordable = (record["seen_max_tokens"] or record["completion_bytes_sent"]) * record["choices"]
        if record["finished"] == "complete" and seen["ended"] == "whole" and record["dialect"] not in IMAGES:
            true_input = record["prompt_tokens"]
            true_output = 0 if record["dialect"] in EMBEDDINGS else record["completion_tokens_sent"]
            near = lambda ours, true: abs(ours - true) * 20 <= true + 20 * TOKENS_APART
            agree(call, f"estimate of {true_output} tokens that came: {output}", near(output, true_output), True)
            told = self.told_input(record, seen)
            if told is not None:
                agree(call, "the vendor's own count of the prompt", usage["input"], told)
            else:
                agree(call, f"estimate of a prompt of {true_input} tokens: {usage['input']}", near(usage["input"], true_input), True)
            return
        agree(call, "estimate of what came", output, min(seen["bytes"] // BYTES_A_TOKEN, affordable))
        agree(call, "estimate of the prompt", usage["input"], self.likely_input(record, seen))

    def check_cut(self, call: str, usage: dict, seen: dict, output: int) -> None:
        """A server died or was taken for dead: nobody pays for what did not arrive, and little is given away."""
        arrived = seen["bytes"] // BYTES_A_TOKEN
        self.figures["streams cut off by a fault"] += 1
        agree(call, f"{arrived} tokens arrived, {output} billed", output <= arrived, True)
        given_away = arrived - output
        self.given_away_most = max(self.given_away_most, given_away)
        agree(call, f"{given_away} tokens given away", given_away <= GIVEN_AWAY_TOKENS_MAX, True)

    @staticmethod
    def likely_input(record: dict, seen: dict) -> int:
        if record["dialect"] in EMBEDDINGS:
            # Texts are read as they are, each four bytes a token.
            return sum(-(-size // BYTES_A_TOKEN) for size in seen["text_bytes"])
        told = Oracle.told_input(record, seen)
        return told if told is not None else 3 + 4 + -(-seen["prompt_bytes"] // BYTES_A_TOKEN)

    @staticmethod
    def told_input(record: dict, seen: dict) -> int | None:
        """What the vendor said of the prompt, if it can be true, and no more than was held for it."""
        if record["dialect"] in EMBEDDINGS:
            return None
        reported = input_reported(record["dialect"], record["usage_reported"])
        if reported is None or not 0 <= reported <= REPORTED_MAX:
            return None
        return min(reported, 16 + 8 + seen["prompt_bytes"])

    def check_charge(self, call: str, usage: dict, hold: dict, tokens: dict) -> None:
        model = self.offer(usage)
        agree(call, "price row's vendor", self.books.prices[usage["price_id"]]["provider"], usage["provider"])
        agree(call, "price row's model", self.books.prices[usage["price_id"]]["model_id"], usage["model_id"])
        agree(call, "price row's terms", self.books.prices[usage["price_id"]]["terms"], model.terms)
        charges = [(0, 0, 0)]
        if usage["usage_source"] != "none":
            # A hold may have been there for a moment before its call.
            began = hold["opened_at"] <= usage["started_at"] <= hold["closed_at"]
            agree(call, "it began between its hold and its end", began, True)
            charges = [charge_of(rates, tokens, usage["take_bps"]) for rates in model.rates_at(tokens, usage["started_at"])]
        charged = (usage["provider_cost"], usage["commission"], usage["charge"])
        agree(call, f"cost, commission and charge {charged} are among {charges}", charged in charges, True)
        paid = min(usage["charge"], hold["amount"])
        agree(call, "overrun", usage["overrun"], usage["charge"] - paid)
        agree(call, "hold is captured when something was charged", hold["state"] == "captured", usage["charge"] > 0)
        expected = {
            f"user:{usage['account_id']}:paid": -paid,
            f"provider:{usage['provider']}:payable": usage["provider_cost"],
            "platform:commission": usage["commission"],
            "platform:overrun": -usage["overrun"],
        }
        transactions = self.books.paying[call]
        agree(call, "transactions that pay this call", len(transactions), int(usage["charge"] > 0))
        entries = Counter()
        for transaction in transactions:
            for entry in self.books.entries[transaction["tx_id"]]:
                entries[entry["account"]] += entry["amount"]
        agree(call, "entries", dict(entries), {account: amount for account, amount in expected.items() if amount})
        self.figures["calls recomputed"] += 1
        self.figures["calls charged"] += usage["charge"] > 0

    def check_told(self, call: str, usage: dict, hold: dict, seen: dict) -> None:
        # A client may name one vendor's offer instead of the model.
        named = {usage["model_id"], *(f"{usage['provider']}/{name}" for name in self.offer(usage).names)}
        agree(call, f"{seen['model']} is what the client asked for", seen["model"] in named, True)
        if seen["told_charge"] is not None:
            agree(call, "charge the client was told", nanos_of(seen["told_charge"]), usage["charge"])
            agree(call, "hold the client was told", nanos_of(seen["told_hold"]), hold["amount"])
            self.figures["charges told to clients"] += 1

    def check_money(self) -> None:
        sums = Counter()
        for transaction in self.books.tables["ledger_tx"]:
            entries, within = self.books.entries[transaction["tx_id"]], Counter()
            for entry in entries:
                within[entry["asset"]] += entry["amount"]
                sums[entry["asset"]] += entry["amount"]
            agree(transaction["tx_id"], "sum of a transaction", set(within.values()), {0})
            agree(transaction["tx_id"], "a transaction has two sides", len(entries) >= 2, True)
        agree("all entries", "sum of each asset", set(sums.values()) <= {0}, True)
        self.figures["transactions that sum to zero"] += len(self.books.transactions)

    def check_wallets(self) -> None:
        entries = defaultdict(list)
        for entry in self.books.tables["ledger_entry"]:
            if entry["account_id"]:
                entries[entry["account_id"], entry["fund"]].append(entry)
        for wallet in self.books.tables["wallet"]:
            name = f"wallet {wallet['account_id']}:{wallet['fund']}"
            own = sorted(entries[wallet["account_id"], wallet["fund"]], key=lambda entry: entry["wallet_version"])
            balance = 0
            for version, entry in enumerate(own, start=1):
                balance += entry["amount"]
                agree(name, "version and balance of an entry", (entry["wallet_version"], entry["balance_after"]), (version, balance))
                agree(name, "balance is never below zero", balance >= 0, True)
            agree(name, "balance, held and version", (wallet["posted"], wallet["held"], wallet["version"]), (balance, 0, len(own)))
        self.figures["wallets equal to their entries"] += len(self.books.tables["wallet"])

    def check_keys(self) -> None:
        spent = Counter()
        for usage in self.books.usage.values():
            spent[usage["api_key_id"]] += usage["charge"] - usage["overrun"]
        for key in self.books.tables["api_key"]:
            agree(f"key {key['api_key_id']}", "spent and held", (key["spent_nanos"], key["held_nanos"]), (spent[key["api_key_id"]], 0))
            limit = key["limit_nanos"]
            agree(f"key {key['api_key_id']}", "limit is kept", limit is None or key["spent_nanos"] <= limit, True)
        self.figures["keys equal to their calls"] += len(self.books.tables["api_key"])


def main() -> int:
    oracle = None
    try:
        oracle = Oracle(Path(sys.argv[1]))
        oracle.check()
    except Disagreement as disagreement:
        print(f"the books are wrong: {disagreement}")
        return 1
    for figure, count in oracle.figures.items():
        print(f"{count:>8}  {figure}")
    print(f"{oracle.given_away_most:>8}  tokens given away at most, of {GIVEN_AWAY_TOKENS_MAX} allowed")
    print(f"{oracle.unread_most:>8}  tokens at most that were on the way, and charged, when a reader left")
    if not oracle.figures["calls recomputed"]:
        print("the books are wrong: there is not one call in them")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
