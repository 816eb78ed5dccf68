"""c2b staff: accounts of those who work here."""

import sys

import click

from c2b import clock
from c2b.cli import context
from c2b.errors import N_, Refused
from c2b.people import actions, queries
from c2b.people.rules import Role
from c2b.stores.actions import employ

_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group("staff")
def group() -> None:
    """Accounts of those who work here."""


@group.command()
@click.argument("email")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
@click.option("--name", default="")
@click.option("--store", default="", help="Code of the store in which an assistant works.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of making a set-up link.")
@_json
def add(email: str, role: str, name: str, store: str, *, password_stdin: bool, as_json: bool) -> None:
    """Make an account for EMAIL, or set its role; prints a one-time set-up link where there is no password."""
    if store and role != Role.ASSISTANT:
        raise Refused(N_("Only a store assistant works in one store; leave out --store"))
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else ""
    facts = {"email": email, "name": name, "password": password, "actor": context.actor()}
    with context.transaction() as session:
        token = actions.add_staff(session, role=Role(role), now=clock.now(), **facts)
        employ(session, email=email, role=Role(role), store=store, actor=context.actor(), now=clock.now())
    _print(email, token, as_json=as_json)


@group.command("list")
@_json
def list_(*, as_json: bool) -> None:
    """List all accounts."""
    with context.reading() as session:
        accounts = queries.staff(session)
    shown = [
        {"email": each.email, "name": each.name, "role": each.role.value, "set_up": each.set_up, "disabled": each.disabled_at is not None}
        for each in accounts
    ]
    lines = (
        f"{each['email']}  {each['role']}{'' if each['set_up'] else '  not set up'}{'  shut' if each['disabled'] else ''}" for each in shown
    )
    context.output(shown, as_json=as_json, lines=lines)


@group.command()
@click.argument("email")
@_json
def reset(email: str, *, as_json: bool) -> None:
    """Take password and logins of EMAIL away and print a new set-up link."""
    with context.transaction() as session:
        token = actions.reset_staff(session, email=email, actor=context.actor(), now=clock.now())
    _print(email, token, as_json=as_json)


def _print(email: str, token: str, *, as_json: bool) -> None:
    link = f"{context.settings().base_url.rstrip('/')}/admin/set-up/{token}" if token else ""
    sentence = f"{email}: set a password within 3 days at {link}" if link else f"{email}: ready"
    context.output({"email": email, "set_up_link": link}, as_json=as_json, lines=[sentence])
