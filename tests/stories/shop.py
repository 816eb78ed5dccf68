"""A whole shop for a story: its own data folder, a real server with its worker, and the command line."""

import email
import email.policy
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from email.message import EmailMessage
from pathlib import Path
from typing import Any

_PATIENCE = 30.0


class Shop:
    """What the merchant runs: `c2b serve` in a folder of its own."""

    keep: Path | None = None
    """Where pictures of its pages are kept, if anywhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        ours = {"C2B_DATA": str(self.data), "C2B_BASE_URL": self.url, "C2B_LOCALE": "zh_Hans_CN"}
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("C2B_")} | ours
        self._server: subprocess.Popen[bytes] | None = None

    def c2b(self, *words: str, refused: bool = False) -> str:
        """Run a command as the merchant types it; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "c2b.cli", *words], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == int(refused), f"c2b {' '.join(words)}: {done.stderr}{done.stdout}"
        return done.stderr if refused else done.stdout

    def json(self, *words: str) -> Any:
        """Run a command with `--json` and return its document."""
        return json.loads(self.c2b(*words, "--json"))

    def file(self, name: str, text: str) -> str:
        """Write a file of the merchant's and return its path."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def open(self) -> None:
        """Start the server and its worker, and wait until it answers."""
        self.c2b("init")
        log = (self.folder / "server.log").open("wb")
        command = [sys.executable, "-m", "c2b.cli", "serve", "--port", str(self.port)]
        self._server = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=log, stderr=log)
        log.close()
        self.wait_until(self._answers, "the server answers")

    def close(self) -> None:
        """Stop the server and its worker."""
        if self._server:
            self._server.terminate()
            self._server.wait(timeout=_PATIENCE)

    def _answers(self) -> bool:
        assert self._server is not None
        assert self._server.poll() is None, (self.folder / "server.log").read_text()
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:  # noqa: S310  our own server
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError):
            return False

    def wait_until(self, happened: Any, what: str) -> Any:
        """Return what `happened()` returns once it is true; fails with the server's log after half a minute."""
        until = time.monotonic() + _PATIENCE
        while not (found := happened()):
            assert time.monotonic() < until, f"{what}: not within {_PATIENCE} s\n{(self.folder / 'server.log').read_text()}"
            time.sleep(0.05)
        return found

    def _mails_to(self, address: str) -> list[EmailMessage]:
        outbox = sorted((self.data / "outbox").glob("*.eml"))
        mails = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in outbox]
        return [mail for mail in mails if mail["To"] == address]

    def mails_to(self, address: str) -> list[str]:
        """Return the texts of all mails to `address`, oldest first."""
        return [str((mail.get_body(("plain",)) or mail).get_content()) for mail in self._mails_to(address)]

    def subjects_to(self, address: str) -> list[str]:
        """Return the subjects of all mails to `address`, oldest first."""
        return [str(mail["Subject"]) for mail in self._mails_to(address)]

    def codes_sent_to(self, address: str) -> list[str]:
        """Return the sign-in codes that went to `address`, oldest first."""
        return [code for text in self.mails_to(address) for code in re.findall(r"\b\d{6}\b", text)]

    def code_sent_to(self, address: str, *, after: int = 0) -> str:
        """Wait for one more mail with a sign-in code than `after` and return its six digits."""
        return str(self.wait_until(lambda: self.codes_sent_to(address)[after:], "a code arrives")[-1])
