"""A browser without JavaScript: it fetches pages, sends their forms, and lints every page that it sees."""

from collections import Counter
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import html5lib
from flask import Flask
from werkzeug.test import TestResponse

_CONTROLS = ("input", "select", "textarea")


@lru_cache(maxsize=4)
def parse(html: str) -> Element:
    """Return the page's tree, as a browser would build it; nobody changes it, so one does for all who look at the same page."""
    tree = html5lib.parse(html, namespaceHTMLElements=False)
    assert isinstance(tree, Element)
    return tree


def text_of(element: Element) -> str:
    """Return the words inside an element, runs of space as one."""
    return " ".join("".join(element.itertext()).split())


def lint(html: str) -> list[str]:
    """Return what is wrong with a page: structure, names of controls, tokens, and what the CSP would refuse."""
    tree = parse(html)
    everything = list(tree.iter())
    found = [] if tree.get("lang") in {"zh-CN", "en"} else ["no language"]
    if len(tree.findall(".//h1")) != 1:
        found.append(f"{len(tree.findall('.//h1'))} h1")
    title = tree.find(".//title")
    if title is None or not text_of(title).removesuffix("· c2b").strip():
        found.append("no title")
    ids = Counter(element.get("id") for element in everything if element.get("id"))
    found += [f"id {name} {times} times" for name, times in ids.items() if times > 1]
    found += [f"inline style or script in <{e.tag}>" for e in everything if _inline(e)]
    found += _unnamed(tree, ids)
    for form in tree.iter("form"):
        if form.get("method", "get").lower() == "post" and not _has_token(form):
            found.append(f"form without token: {form.get('action')}")
    found += [f"link to nowhere: {a.get('href')}" for a in tree.iter("a") if not a.get("href") or a.get("href") == "#"]
    found += [f"fragment without target: {a.get('href')}" for a in tree.iter("a") if _dangling(a, ids)]
    return found


def _dangling(link: Element, ids: Counter[str | None]) -> bool:
    href = link.get("href") or ""
    return href.startswith("#") and href != "#" and href[1:] not in ids


def _inline(element: Element) -> bool:
    if not isinstance(element.tag, str):
        return False
    handler = any(name.startswith(("on", "style")) for name in element.attrib)
    return handler or element.tag == "style" or (element.tag == "script" and not element.get("src"))


def _has_token(form: Element) -> bool:
    return any(field.get("name") == "csrf_token" and field.get("value") for field in form.iter("input"))


def _unnamed(tree: Element, ids: Counter[str | None]) -> list[str]:
    labelled = {label.get("for") for label in tree.iter("label")}
    inside = {control for label in tree.iter("label") for control in label.iter() if text_of(label)}
    found = [f"label for nothing: {name}" for name in labelled if name and name not in ids]
    controls = [element for element in tree.iter() if element.tag in _CONTROLS and element.get("type") not in {"hidden", "submit"}]
    unnamed = [c for c in controls if c not in inside and c.get("id") not in labelled and not c.get("aria-label")]
    found += [f"control without label: {control.get('name')}" for control in unnamed]
    found += [f"button without words: {b.get('name')}" for b in tree.iter("button") if not text_of(b)]
    found += [f"picture without alt: {i.get('src')}" for i in tree.iter("img") if i.get("alt") is None]
    return found


class Browser:
    """One person's browser."""

    def __init__(self, app: Flask, language: str = "en") -> None:
        self.client = app.test_client()
        self.client.get("/", query_string={"lang": {"en": "en", "zh": "zh"}[language]})
        self.url = "/"
        self.response: TestResponse | None = None
        self.html = ""

    def get(self, url: str, *, expect: int = 200, **options: Any) -> str:
        """Open a page, following redirects, and lint it."""
        return self._see(self.client.get(url, follow_redirects=True, **options), expect)

    def _see(self, response: TestResponse, expect: int) -> str:
        assert response.status_code == expect, f"{response.request.path}: {response.status_code}\n{response.text[:3000]}"
        self.response, self.html = response, response.text
        self.url = response.request.full_path.rstrip("?")
        if response.mimetype == "text/html":
            assert lint(self.html) == [], self.url
        return self.html

    @property
    def tree(self) -> Element:
        """The page it is on."""
        return parse(self.html)

    @property
    def words(self) -> str:
        """What stands on the page it is on."""
        body = self.tree.find("body")
        assert body is not None
        return text_of(body)

    def press(self, name: str, *, expect: int = 200, **changes: Any) -> str:
        """Press the button whose words begin with `name`, sending its form with `changes`; a list ticks several boxes."""
        tree = self.tree
        button = next((b for b in tree.iter("button") if text_of(b).startswith(name)), None)
        assert button is not None, f"no button {name!r} among {[text_of(b) for b in tree.iter('button')]}"
        form = self._form_of(tree, button)
        data = self._fields(tree, form)
        if button.get("name"):
            data[button.get("name") or ""] = [button.get("value") or ""]
        for key, value in changes.items():
            data[key.replace("__", "-")] = value if isinstance(value, list) else [value]
        target = button.get("formaction") or form.get("action") or self.url
        if form.get("method", "get").lower() == "get":
            return self._see(self.client.get(urlsplit(target).path, query_string=data, follow_redirects=True), expect)
        return self._see(self.client.post(target, data=data, follow_redirects=True), expect)

    @staticmethod
    def _form_of(tree: Element, button: Element) -> Element:
        for form in tree.iter("form"):
            if form.get("id") == button.get("form") if button.get("form") else button in list(form.iter()):  # as browsers do
                return form
        raise AssertionError("the button belongs to no form")

    @staticmethod
    def _fields(tree: Element, form: Element) -> dict[str, Any]:
        data: dict[str, Any] = {}
        mine = set(form.iter())
        for control in tree.iter():
            name = control.get("name")
            if control.tag not in _CONTROLS or not name or not (control in mine or control.get("form", "") == form.get("id", "-")):
                continue
            if control.get("type") in {"checkbox", "radio"} and control.get("checked") is None:
                continue
            if control.tag == "select":
                options = list(control.iter("option"))
                chosen = next((o for o in options if o.get("selected") is not None), options[0] if options else None)
                value = "" if chosen is None else chosen.get("value", text_of(chosen))
            else:
                value = control.text or "" if control.tag == "textarea" else control.get("value", "")
            data.setdefault(name, []).append(value)
        return data
