from pathlib import Path

import pytest
from click.testing import CliRunner

from c2b import clock
from c2b.cli import group
from c2b.db import Database
from c2b.people import actions, queries
from c2b.people.rules import Role
from c2b.stores import queries as stores
from tests import make
from tests.cli.shell import Shell


@pytest.fixture
def shell(tmp_path: Path, sqlite_database: Database) -> Shell:
    return Shell(tmp_path, sqlite_database)


def token(printed: str) -> str:
    return printed.strip().rsplit("/", 1)[-1]


def test_an_account_begins_with_a_link_that_works_once(shell: Shell, sqlite_database: Database) -> None:
    printed = shell.does("staff", "add", "anna@example.com", "--role", "owner")
    assert "http://127.0.0.1:8000/admin/set-up/" in printed
    with sqlite_database.transaction() as session:
        actions.set_up_staff(session, token=token(printed), password="correct horse battery", now=clock.now())
    assert shell.does("staff", "list") == "anna@example.com  owner\n"


def test_a_password_may_come_from_standard_input(shell: Shell, sqlite_database: Database) -> None:
    arguments = ["staff", "add", "anna@example.com", "--role", "finance", "--password-stdin"]
    done = CliRunner(env=shell.environment).invoke(group, arguments, input="correct horse battery\n")
    assert done.stdout == "anna@example.com: ready\n"
    with sqlite_database.transaction() as session:
        assert actions.sign_in_staff(session, email="anna@example.com", password="correct horse battery", now=clock.now())


def test_adding_twice_does_no_harm(shell: Shell, sqlite_database: Database) -> None:
    for _ in range(2):
        assert shell.reads("staff", "add", "anna@example.com", "--role", "manager")["set_up_link"]
    with sqlite_database.reading() as session:
        assert [account.role for account in queries.staff(session)] == [Role.MANAGER]


def test_an_assistant_is_given_a_store_and_keeps_it(shell: Shell, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        make.store(session)
    for store in (["--store", "HZ1"], []):
        shell.does("staff", "add", "li@example.com", "--role", "assistant", *store)
        with sqlite_database.reading() as session:
            assert list(stores.workplaces(session).values()) == ["Store HZ1"]
    shell.does("staff", "add", "li@example.com", "--role", "support")
    with sqlite_database.reading() as session:
        assert stores.workplaces(session) == {}


def test_a_store_that_is_not_there_or_for_another_role_is_refused_and_no_account_made(shell: Shell) -> None:
    assert "There is no store NO1" in shell.refuses("staff", "add", "li@example.com", "--role", "assistant", "--store", "NO1")
    assert "Only a store assistant works in one store" in shell.refuses(
        "staff", "add", "li@example.com", "--role", "owner", "--store", "NO1"
    )
    assert shell.does("staff", "list").strip() == ""


def test_a_reset_gives_a_new_link_and_takes_the_old_one_away(shell: Shell, sqlite_database: Database) -> None:
    first = token(shell.does("staff", "add", "anna@example.com", "--role", "owner"))
    second = token(shell.does("staff", "reset", "anna@example.com"))
    assert first != second
    with sqlite_database.transaction() as session:
        assert actions.set_up_staff(session, token=second, password="correct horse battery", now=clock.now()) == "anna@example.com"


def test_what_cannot_be_is_one_line(shell: Shell) -> None:
    assert "no account nobody@example.com" in shell.refuses("staff", "reset", "nobody@example.com")
    assert "not an e-mail address" in shell.refuses("staff", "add", "anna", "--role", "owner")
    assert shell.run("staff", "add", "anna@example.com", "--role", "king").exit_code == 2


def test_the_list_is_json_too(shell: Shell) -> None:
    shell.does("staff", "add", "anna@example.com", "--role", "auditor", "--name", "Anna")
    assert shell.reads("staff", "list") == [
        {"email": "anna@example.com", "name": "Anna", "role": "auditor", "set_up": False, "disabled": False}
    ]
    assert shell.does("staff", "list") == "anna@example.com  auditor  not set up\n"
