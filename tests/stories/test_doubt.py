"""Somebody who trusts nobody: holds receipts against the published result, and recomputes it without us."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.stories.people import DESK, Visitor, Voter, leaving
from tests.stories.shop import Shop
from tests.stories.test_inman_campaign import CAMPAIGN, CANDIDATES, PAPER, SLUG


@pytest.fixture
def voting(shop: Shop) -> Shop:
    """Given a campaign that takes votes, some of which came on paper."""
    shop.c2b("campaign", "create", shop.file("inman.toml", CAMPAIGN))
    shop.c2b("candidates", "import", SLUG, shop.file("candidates.csv", CANDIDATES))
    shop.c2b("campaign", "advance", SLUG, "voting")
    shop.c2b("ballots", "import", SLUG, shop.file("paper.csv", PAPER))
    return shop


class Sceptic(Visitor):
    """Comes without an account, and brings tools of their own."""

    def holds_against_the_result(self, receipt: str) -> None:
        self.opens(f"/c/{SLUG}/verify")
        self.page.get_by_label("Receipt").fill(receipt)
        self.presses("Verify")

    def downloads(self, file: str) -> Path:
        address = f"/c/{SLUG}/published/{file}"
        answer = self.shop.wait_until(lambda: (found := self.page.request.get(address)).ok and found, f"{address} is published")
        path = self.shop.folder / file
        path.write_bytes(answer.body())
        return path

    def recomputes(self, bundle: Path, receipt: str) -> subprocess.CompletedProcess[str]:
        """Run the verifier that lies in the bundle, alone in an empty folder, with a Python that knows nothing of us."""
        alone = self.shop.folder / "alone"
        alone.mkdir(exist_ok=True)
        with zipfile.ZipFile(bundle) as opened:
            verifier = Path(opened.extract("verify.py", alone))
        mine = alone / "mine.txt"
        mine.write_text(receipt, encoding="utf-8")
        command = [sys.executable, "-I", "-S", str(verifier), str(bundle), "--receipt", str(mine)]
        return subprocess.run(command, cwd=alone, env={}, capture_output=True, text=True, check=False)


def receipt_of(voter: Voter) -> str:
    voter.opens(f"{voter.gallery}receipt")
    return voter.page.get_by_role("region", name="Receipt").inner_text() + "\n"


def test_a_sceptic_verifies_the_result_and_their_own_receipt(voting: Shop, browser: Browser) -> None:
    voter = Voter(voting, browser, "doubt@example.com", slug=SLUG)
    sceptic = Sceptic(voting, browser, size=DESK)
    with leaving(voter, sceptic):
        voter.votes_for("K3")
        voter.signs_in()
        early = receipt_of(voter)
        voter.votes_for("K1")
        mine = receipt_of(voter)
        voting.c2b("campaign", "advance", SLUG, "tally")
        voting.c2b("select", SLUG)
        sceptic.holds_against_the_result(mine)
        sceptic.reads("This ballot is in the count")
        sceptic.holds_against_the_result(early)
        sceptic.reads("A later version took its place")
        sceptic.holds_against_the_result(mine.replace("K1", "K2"))
        sceptic.reads("It does not match")
        bundle = sceptic.downloads("bundle.zip")
        checked = sceptic.recomputes(bundle, mine)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        doubted = sceptic.recomputes(bundle, mine.replace("K1", "K2"))
        assert doubted.returncode == 1, doubted.stdout + doubted.stderr
        assert "Traceback" not in doubted.stdout + doubted.stderr
