"""Makes the picture of the README from the demo: the voting page on a phone in Chinese, the decision desk in English.

python -m tests.pictures
"""

import re
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import Browser, Page, expect, sync_playwright

from c2b.demo.shop import PASSWORD
from tests.stories.conftest import CHROMIUM
from tests.stories.shop import Shop

TARGET = Path(__file__).resolve().parents[1] / ".readme" / "c2b.png"
PHONE, DESK = (390, 880), (1280, 1080)
DENSITY, CANDIDATES, PICKS = 2, 500, 4
SIZE = (1600, 900)
GROUND, SHADOW = "#e3e8f1", (19, 26, 46, 90)


def _page(browser: Browser, shop: Shop, size: tuple[int, int], locale: str) -> Page:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        base_url=shop.url,
        locale=locale,
        device_scale_factor=DENSITY,
        reduced_motion="reduce",
    )
    return context.new_page()


def voting(browser: Browser, shop: Shop, to: Path) -> None:
    """Photograph the gallery on a phone after some votes."""
    page = _page(browser, shop, PHONE, "zh-CN")
    page.goto("/c/autumn/")
    for picked in range(PICKS):
        page.locator(".it:not(.on) button.vote").nth(picked + 1).click()
        expect(page.locator(".it.on")).to_have_count(picked + 1)
    page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=to)


def deciding(browser: Browser, shop: Shop, to: Path) -> None:
    """Photograph the dry run of a decision at a desk."""
    page = _page(browser, shop, DESK, "en-GB")
    page.goto("/admin/sign-in")
    page.get_by_label("E-mail address").fill("owner@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile("/admin/$"))
    page.goto("/admin/summer/decision")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=to)


def rounded(picture: Image.Image, radius: int) -> Image.Image:
    """Cut the corners off."""
    mask = Image.new("L", picture.size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, picture.width - 1, picture.height - 1), radius, fill=255)
    picture.putalpha(mask)
    return picture


def put(onto: Image.Image, picture: Image.Image, at: tuple[int, int], *, radius: int) -> None:
    """Lay a picture with round corners and a soft shadow onto another."""
    shadow = Image.new("RGBA", onto.size)
    box = (at[0], at[1] + 8, at[0] + picture.width, at[1] + picture.height + 8)
    ImageDraw.Draw(shadow).rounded_rectangle(box, radius, fill=SHADOW)
    onto.alpha_composite(shadow.filter(ImageFilter.GaussianBlur(18)))
    onto.alpha_composite(rounded(picture.convert("RGBA"), radius), at)


def composed(phone: Image.Image, desk: Image.Image) -> Image.Image:
    """Put the phone beside the desk, a little over it."""
    whole = Image.new("RGBA", SIZE, GROUND)
    desk = desk.resize((1130, 1130 * desk.height // desk.width), Image.Resampling.LANCZOS).crop((0, 0, 1130, SIZE[1] - 40))
    phone = phone.resize((364, 364 * phone.height // phone.width), Image.Resampling.LANCZOS)
    put(whole, desk, (430, 40), radius=14)
    put(whole, phone, (40, (SIZE[1] - phone.height) // 2), radius=30)
    return whole.convert("RGB").quantize(256, kmeans=1, dither=Image.Dither.NONE)


def main() -> None:
    """Make the demo in a folder that is thrown away, open it, photograph, compose and store."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        shop = Shop(folder)
        shop.c2b("demo", "--no-serve", "--data", str(shop.data), "--candidates", str(CANDIDATES))
        shop.open()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        voting(browser, shop, folder / "phone.png")
        deciding(browser, shop, folder / "desk.png")
        browser.close()
        shop.close()
        with Image.open(folder / "phone.png") as phone, Image.open(folder / "desk.png") as desk:
            TARGET.parent.mkdir(exist_ok=True)
            composed(phone, desk).save(TARGET, optimize=True)
    print(f"{TARGET}: {TARGET.stat().st_size // 1000} KB")  # noqa: T201  a command


if __name__ == "__main__":
    main()
