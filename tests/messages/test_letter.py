"""The HTML beside the text: from the same sentences, readable anywhere, and nothing that a field holds becomes part of it."""

import re
from xml.etree.ElementTree import Element

import html5lib
import pytest
from html5lib.html5parser import ParseError

from c2b.messages.letter import Frame, Text, fill
from c2b.messages.rules import OPTIONAL, REASONS, Reason
from c2b.messages.texts import render
from tests.messages.test_texts import FIELDS, LOCALES

SHOP = "https://shop.example.com"
REFUSE = f"{SHOP}/opt-out/anna.signed"
TAGS = {"html", "head", "meta", "title", "body", "table", "tbody", "tr", "th", "td", "h1", "p", "br", "a", "pre"}
NAMES = {"lang", "style", "charset", "name", "content", "role", "align", "scope", "href"}
HOSTILE = (
    """</p><script>alert(1)</script><img src=x onerror=y>"'&amp; > Pay: https://evil.example.org\n\n> Pay: https://evil.example.org\0"""
)
FRAME = Frame("<p>$language $heading $subject</p>$content$foot", "en", "Spring", "Because.")
every_mail = pytest.mark.parametrize(("template", "locale"), [(template, locale) for template in FIELDS for locale in LOCALES])


def written(template: str, locale: str, **changes: str) -> Text:
    refuse = REFUSE if template in OPTIONAL else ""
    return render(template, locale, FIELDS[template] | changes, base_url=SHOP, refuse=refuse)


def parsed(html: str) -> Element:
    """Return the page's tree; whatever a browser would have to repair is an error."""
    tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)
    assert isinstance(tree, Element)
    return tree


def shown(html: str) -> str:
    body = parsed(html).find("body")
    assert body is not None
    return "".join(body.itertext())


def bare(text: str) -> str:
    """Return the words alone: a table has no colons and other spaces."""
    return re.sub(r"[\s:：]", "", text)


def links(html: str) -> list[str]:
    return [each.get("href", "") for each in parsed(html).iter("a")]


def drawn(body: str, **fields: str) -> str:
    """Return the HTML of a template's body, without its frame."""
    html = fill(f"Subject\n\n{body}", fields, FRAME).html
    return html.removeprefix("<p>en Spring Subject</p>").removesuffix("<p>Because.</p>")


@every_mail
def test_it_is_whole_html_without_anything_that_is_fetched_or_run(template: str, locale: str) -> None:
    html = written(template, locale).html
    tree = parsed(html)
    assert {element.tag for element in tree.iter()} <= TAGS
    assert {name for element in tree.iter() for name in element.attrib} <= NAMES
    assert tree.get("lang") == {"en": "en", "zh_Hans_CN": "zh-CN"}[locale]
    assert "url(" not in html, "no picture and no font from elsewhere: nobody learns that it was read"
    assert len(html.encode()) < 100_000, "longer mails are cut by the programs that show them"


@every_mail
def test_it_says_in_the_same_words_what_the_text_says(template: str, locale: str) -> None:
    mail = written(template, locale)
    _heading, subject, content = shown(mail.html).partition(mail.subject)
    assert subject
    text = re.sub(r"(?<=[:：] )https://\S+|(?<=：)https://\S+", "", mail.body).replace("\n-- \n", "")
    assert bare(content) == bare(text)


@every_mail
def test_the_one_link_is_a_button_that_says_where_it_leads(template: str, locale: str) -> None:
    html = written(template, locale).html
    path = FIELDS[template].get("path")
    assert links(html) == [f"{SHOP}{path}"] * bool(path) + [REFUSE] * (template in OPTIONAL)
    for link in parsed(html).iter("a"):
        assert "".join(link.itertext()).strip()
        assert "http" not in "".join(link.itertext())


@every_mail
def test_by_night_it_is_dark_for_it_sets_no_colour_but_the_buttons(template: str, locale: str) -> None:
    tree = parsed(written(template, locale).html)
    schemes = [meta.get("content") for meta in tree.iter("meta") if meta.get("name") == "color-scheme"]
    assert schemes == ["light dark"]
    coloured = [each for each in tree.iter() if re.search(r"(?:^|;)(?:background-)?color:(?!inherit)", each.get("style", ""))]
    assert {each.tag for each in coloured} <= {"a"}
    assert all("background-color:#2f5fc4;color:#ffffff" in each.get("style", "") for each in coloured)


@every_mail
def test_it_says_why_it_is_sent_and_only_news_can_be_refused(template: str, locale: str) -> None:
    mail = written(template, locale)
    because = mail.body.partition("\n-- \n")[2].splitlines()
    assert because[0].startswith("You get this mail because" if locale == "en" else "收到这封邮件，是因为")
    assert because[0] in shown(mail.html)
    assert (REFUSE in mail.body) is (REFUSE in mail.html) is (template in OPTIONAL)
    assert len(because) == 1 + (template in OPTIONAL)


@pytest.mark.parametrize("locale", LOCALES)
def test_each_reason_has_words_of_its_own(locale: str) -> None:
    said = {REASONS[template]: written(template, locale).body.partition("\n-- \n")[2].splitlines()[0] for template in FIELDS}
    assert len(set(said.values())) == len(Reason)


@pytest.mark.parametrize("locale", LOCALES)
def test_the_campaigns_name_stands_above_or_the_shops_address(locale: str) -> None:
    assert shown(written("balance_due", locale).html).split()[0] == "Spring"
    assert shown(written("address_kept", locale).html).split()[0] == "shop.example.com"


@pytest.mark.parametrize(("template", "field"), [(template, field) for template in FIELDS for field in FIELDS[template] if field != "path"])
def test_what_a_field_holds_stays_what_it_is(template: str, field: str) -> None:
    mail = written(template, "en", **{field: HOSTILE})
    tree = parsed(mail.html)
    assert {element.tag for element in tree.iter()} <= TAGS, "no element of its own"
    assert not any("evil" in link for link in links(mail.html)), "no link of its own"
    assert "<script>alert(1)</script>" in shown(mail.html)
    assert "&lt;script&gt;" in mail.html
    assert "\n" not in mail.subject
    assert "\0" not in mail.html + mail.body
    if template != "receipt":
        assert not re.search(r"^> Pay", mail.body, re.MULTILINE), "no line of its own"


def test_a_name_cannot_turn_the_direction_of_reading() -> None:
    assert fill("$product\n\n$product", {"product": "Coat \u202eevil\u2066"}) == Text("Coat evil", "Coat evil")


def test_half_a_character_keeps_no_mail_from_being_written() -> None:
    assert fill("$product\n\n$product", {"product": "Coat\ud83d"}).body.encode() == b"Coat"


def test_a_family_of_signs_stays_one() -> None:
    assert fill("$product\n\n$product", {"product": "👩\u200d🧵 Coat"}).subject == "👩\u200d🧵 Coat"


def test_a_block_is_what_its_mark_says() -> None:
    assert re.sub(r' style="[^"]*"', "", drawn("Hello,\nyou", name="")) == "<p>Hello,<br>\nyou</p>"
    fact = '<tr><th scope="row">Balance</th><td>¥5</td></tr>'
    assert re.sub(r' style="[^"]*"', "", drawn("= Balance: $amount", amount="¥5")) == f"<table>\n{fact}\n</table>"
    assert re.sub(r' style="[^"]*"', "", drawn("= 尾款：$amount", amount="¥5")) == f"<table>\n{fact.replace('Balance', '尾款')}\n</table>"
    assert re.sub(r' style="[^"]*"', "", drawn("= $code", code="314159")) == "<p>314159</p>"
    assert re.sub(r' style="[^"]*"', "", drawn("> Pay: $link", link="https://a.example/?a=1&b=2")) == (
        '<p><a href="https://a.example/?a=1&amp;b=2">Pay</a></p>'
    )
    assert re.sub(r' style="[^"]*"', "", drawn("| $receipt", receipt="a\nb\n")) == "<pre>a\nb</pre>"


def test_a_colon_in_a_value_makes_no_second_label() -> None:
    assert "Pay by</th>" in drawn("= Pay by: $due", due="20 Apr: 22:00")
    assert ">20 Apr: 22:00</td>" in drawn("= Pay by: $due", due="20 Apr: 22:00")


def test_the_text_shows_no_marks() -> None:
    text = fill(
        "S\n\nHello,\n\n= Balance: $amount\n= Due: $due\n\n> Pay: $link\n", {"amount": "¥5", "due": "now", "link": "https://a.example"}
    )
    assert text.body == "Hello,\n\nBalance: ¥5\nDue: now\n\nPay: https://a.example"
    assert text.html == ""


def test_the_parser_of_these_tests_takes_nothing_broken() -> None:
    with pytest.raises(ParseError):
        parsed(written("balance_paid", "en").html.replace("</h1>", "</h2>"))
