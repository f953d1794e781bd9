"""A market of its own for a client check: starts the program, signs people up, pays, and counts what held."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).resolve().parents[1] / os.environ.get("MERCATO_BIN", "../target/debug/mercato")
TEN_DOLLARS = 10_000_000_000


class Checks:
    """Prints each check as it is made; a failed one does not stop the others."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def that(self, sentence: str, holds: object, detail: object = "") -> None:
        if holds:
            self.passed += 1
            print(f"ok      {sentence}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED  {sentence} {detail}", flush=True)

    def section(self, name: str, steps) -> None:
        """Runs some steps; an error in them is one failed check."""
        try:
            steps()
        except Exception as error:  # Whatever a client raises here, it was not expected.
            self.that(name, False, f"{type(error).__name__}: {error}")

    def raises(self, what: str, kind: type[Exception], call) -> Exception | None:
        """Answers what was raised, for a closer look."""
        try:
            call()
        except Exception as error:  # Another kind of error is a failed check.
            self.that(f"{what} raises {kind.__name__}", isinstance(error, kind), repr(error))
            return error
        self.that(f"{what} raises {kind.__name__}", False, "it was answered")
        return None

    def end(self) -> int:
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0


def adds_up(details: dict) -> bool:
    """The commission is its share of the charge, and less than one nano-dollar above it."""
    charge, cost, commission = (int(details[f"{part}_nanos"]) for part in ("charge", "provider_cost", "commission"))
    share = commission * 10_000 - charge * 3_000
    return charge == cost + commission and 0 <= share < 10_000


def are_texts(details: dict) -> bool:
    return all(isinstance(details[f"{part}_nanos"], str) for part in ("charge", "provider_cost", "commission"))


class Market:
    """The running program, and its REST interface."""

    def __enter__(self) -> "Market":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        self.folder = tempfile.TemporaryDirectory(prefix="mercato-client-", ignore_cleanup_errors=True)
        # The database may run as another account, which must be able to pass through.
        os.chmod(self.folder.name, 0o755)
        self.log_path = Path(self.folder.name) / "server.log"
        self.environment = {
            **os.environ,
            "MERCATO_ADDR": f"127.0.0.1:{port}",
            "MERCATO_DATA_DIR": str(Path(self.folder.name) / "data"),
            "MERCATO_DEMO": "on",
        }
        self.environment.setdefault("LEPTOS_SITE_ROOT", str(ROOT / "target" / "site"))
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self) -> None:
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM.resolve(), "serve"], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        self.wait_until_healthy()

    def kill(self) -> None:
        """As the machine would when it runs out of memory: without a chance to tidy up."""
        self.process.kill()
        self.process.wait()

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        """Another command of the program, with the same data."""
        command = [PROGRAM.resolve(), *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=60)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        # A database whose server was killed goes on, ready for the next one.
        self.run("db", "stop")
        self.folder.cleanup()

    def wait_until_healthy(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.base}/healthz", timeout=2):
                    return
            except OSError:
                time.sleep(0.2)
        sys.exit(f"the program did not become healthy:\n{self.log_path.read_text()[-4000:]}")

    def call(self, method: str, path: str, token: str | None = None, body: dict | None = None) -> dict:
        headers = {"content-type": "application/json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}{path}", data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            detail = error.read().decode(errors="replace")
            raise RuntimeError(f"{method} {path} answered {error.code}: {detail}") from None

    def delete(self, path: str, token: str) -> None:
        headers = {"authorization": f"Bearer {token}"}
        request = urllib.request.Request(f"{self.base}{path}", headers=headers, method="DELETE")
        urllib.request.urlopen(request, timeout=30).close()

    def register(self) -> str:
        """Signs somebody new up; answers their token."""
        email = f"client-{uuid.uuid4()}@example.org"
        body = {"email": email, "password": "quiet-harbour-lantern-73"}
        return self.call("POST", "/api/v1/auth/register", body=body)["token"]

    def make_key(self, token: str) -> str:
        return self.call("POST", "/api/v1/keys", token, {"name": "client check"})["key"]

    def available(self, token: str) -> int:
        return int(self.call("GET", "/api/v1/balance", token)["available_nanos"])

    def receipt(self, token: str, call_id: str) -> dict:
        return self.call("GET", f"/api/v1/receipts/{call_id}", token)

    def find_receipt(self, token: str, call_id: str) -> dict | None:
        """Nothing while the call goes on."""
        try:
            return self.receipt(token, call_id)
        except RuntimeError as error:
            if "answered 404" not in str(error):
                raise
            return None

    def figure(self, name: str) -> float:
        """One of the figures that operators watch."""
        with urllib.request.urlopen(f"{self.base}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))

    def top_up(self, token: str) -> None:
        """Pays ten dollars through the test gateway and waits until they are there."""
        checkout = self.call("POST", "/api/v1/top-ups", token, {"amount_usd": "10.00"})["checkout_url"]
        form = urllib.parse.urlencode({"outcome": "paid"}).encode()
        headers = {"authorization": f"Bearer {token}"}
        request = urllib.request.Request(urllib.parse.urljoin(self.base, checkout), data=form, headers=headers)
        # The gateway sends a buyer back to a page, which is of no interest here.
        opener = urllib.request.build_opener(NoRedirect)
        try:
            opener.open(request, timeout=30).close()
        except urllib.error.HTTPError as error:
            if error.code not in (302, 303):
                raise
        deadline = time.monotonic() + 20
        while self.available(token) != TEN_DOLLARS:
            if time.monotonic() > deadline:
                raise RuntimeError("the payment did not arrive")
            time.sleep(0.1)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None
