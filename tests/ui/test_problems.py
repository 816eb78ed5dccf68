"""One sentence of a problem, in the language of the page."""

import pytest
from flask import Flask

from c2b.campaigns.rules import CampaignState, Missing, NotReady
from c2b.errors import N_, Invalid, Problem, Refused, Sentences
from c2b.ui import language
from c2b.ui.problems import say

LACKS = [
    Missing(N_("candidate %(code)s has no picture"), {"code": "K101"}),
    Missing(N_("no candidate is selected, so there is nothing to order")),
]


@pytest.fixture
def app() -> Flask:
    """An application that only speaks."""
    made = Flask("c2b")
    made.secret_key = "k" * 40
    language.set_up(made, "en")
    return made


@pytest.mark.parametrize(
    ("code", "problem", "sentence"),
    [
        ("en", Refused(N_("There is no such order")), "There is no such order"),
        ("zh", Refused(N_("There is no such order")), "没有这个订单"),
        ("zh", Invalid(N_("The file has more than %(limit)s MB; split it"), limit=64), "文件超过 64 MB，请拆开"),
        ("zh", Invalid("%(why)s", why="as it came"), "as it came"),
        ("en", NotReady(slug="ss27", state=CampaignState.VOTING, missing=[]), "Campaign ss27 isn't ready for “voting”: "),
    ],
)
def test_a_problem_is_said_with_its_values(app: Flask, code: str, problem: Problem, sentence: str) -> None:
    with app.test_request_context(f"/?lang={code}"):
        assert say(problem) == sentence


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("en", "isn't ready for “voting”: candidate K101 has no picture; no candidate is selected, so there is nothing to order"),
        ("zh", "还不能进入“voting”：候选款 K101 没有图片；没有入选的款，没有可预订的"),
    ],
)
def test_what_a_phase_lacks_is_said_in_one_language(app: Flask, code: str, sentence: str) -> None:
    with app.test_request_context(f"/?lang={code}"):
        assert say(NotReady(slug="ss27", state=CampaignState.VOTING, missing=LACKS)).endswith(sentence)


def test_without_a_page_sentences_are_english() -> None:
    both = Sentences((Refused(N_("There is no such order")), Refused(N_("There is no such payment"))))
    assert str(both) == "There is no such order; There is no such payment"
    assert str(Refused("Nothing was done: %(what)s", what=both)) == f"Nothing was done: {both}"
