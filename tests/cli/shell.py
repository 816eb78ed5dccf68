"""A terminal for tests: runs commands against one database and looks at what they print."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from c2b.cli import group
from c2b.db import Database


class Shell:
    """Somebody at the keyboard, with a data folder and a database of their own."""

    def __init__(self, folder: Path, database: Database | None = None) -> None:
        self.folder = folder
        self.environment = {"C2B_DATA": str(folder)}
        if database:
            self.environment["C2B_DATABASE_URL"] = database.engine.url.render_as_string(hide_password=False)

    def run(self, *arguments: str | Path) -> Result:
        """Run a command and return what it printed and its exit status; anything but an exit is an error of the test."""
        result = CliRunner(env=self.environment).invoke(group, [str(argument) for argument in arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def does(self, *arguments: str | Path) -> str:
        """Run a command that must succeed and return what it printed on stdout."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def refuses(self, *arguments: str | Path) -> str:
        """Run a command that must be refused, by one line on stderr and exit status 1, and return the line."""
        result = self.run(*arguments)
        assert result.exit_code == 1, result.output
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        return result.stderr

    def reads(self, *arguments: str | Path) -> Any:
        """Run a command with --json and return its document."""
        return json.loads(self.does(*arguments, "--json"))
