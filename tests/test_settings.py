from pathlib import Path

import pytest

from c2b import settings
from c2b.errors import Invalid


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Read no settings but those of the test."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATA", "DATABASE_URL", "SECRET_KEY", "BASE_URL", "MAIL_URL", "SMS_URL", "GATEWAYS", "TRUSTED_PROXIES", "LOCALE", "DEMO"):
        monkeypatch.delenv(f"C2B_{name}", raising=False)
    return tmp_path


def test_without_any_setting_a_shop_runs_in_its_own_folder(elsewhere: Path) -> None:
    loaded = settings.load()
    assert loaded.database == f"sqlite:///{elsewhere / 'c2b-data' / 'c2b.db'}"
    assert (loaded.locale, loaded.gateways, loaded.trusted_proxies, loaded.https) == ("zh_Hans_CN", ("sandbox",), 0, False)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("C2B_DATABASE_URL", "mysql://localhost/shop", "take sqlite:///FILE or postgresql://"),
        ("C2B_DATABASE_URL", "sqlite:///", "take sqlite:///FILE"),
        ("C2B_DATABASE_URL", "sqlite:///:memory:", "take sqlite:///FILE"),
        ("C2B_DATABASE_URL", "postgresql://localhost:port/shop", "take sqlite:///FILE or postgresql://"),
        ("C2B_DATABASE_URL", "shop.db", "take sqlite:///FILE"),
        ("C2B_BASE_URL", "shop.example.com", "like https://shop.example.com"),
        ("C2B_BASE_URL", "", "like https://shop.example.com"),
        ("C2B_BASE_URL", "ftp://shop.example.com", "like https://shop.example.com"),
        ("C2B_BASE_URL", "https://shop.example.com:99999", "like https://shop.example.com"),
        ("C2B_MAIL_URL", "http://mail.example.com", "take smtp://"),
        ("C2B_MAIL_URL", "smtp://", "take smtp://"),
        ("C2B_MAIL_URL", "smtp://[mail", "take smtp://"),
        ("C2B_SMS_URL", "sms.example.com", "take https://"),
        ("C2B_SMS_URL", "http://sms.example.com/send", "take https://"),
        ("C2B_SMS_URL", "https://", "take https://"),
        ("C2B_SMS_URL", "console:x", "or console:"),
        ("C2B_GATEWAYS", "stripe", "stripe needs C2B_STRIPE_KEY, C2B_STRIPE_WEBHOOK_SECRET too"),
        ("C2B_GATEWAYS", "sandbox,manual", "manual needs C2B_MANUAL_ACCOUNT too"),
        ("C2B_GATEWAYS", "sandbox,cash", "'sandbox'"),
        ("C2B_TRUSTED_PROXIES", "many", "integer"),
        ("C2B_TRUSTED_PROXIES", "-1", "greater than or equal to 0"),
        ("C2B_LOCALE", "de", "'zh_Hans_CN' or 'en'"),
    ],
)
def test_a_wrong_value_stops_the_start_and_names_the_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str, why: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Invalid) as refused:
        settings.load()
    assert str(refused.value).startswith(f"The setting {name} is wrong: ")
    assert why in str(refused.value)
    assert "Value error" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("C2B_DATABASE_URL", "postgresql://shop:word@db.example.com:5433/shop"),
        ("C2B_DATABASE_URL", "postgresql+psycopg:///shop?host=/run/postgresql"),
        ("C2B_DATABASE_URL", "sqlite:///shop.db"),
        ("C2B_SMS_URL", "console:"),
        ("C2B_SMS_URL", "https://shop:token@sms.example.com:8443/v1/send"),
        ("C2B_SMS_URL", "http://127.0.0.1:8080/send"),
        ("C2B_BASE_URL", "https://shop.example.com/c2b"),
        ("C2B_MAIL_URL", "smtps://anna%40example.com:word@mail.example.com"),
        ("C2B_MAIL_URL", ""),
        ("C2B_LOCALE", "en"),
    ],
)
def test_what_is_right_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert getattr(settings.load(), name.removeprefix("C2B_").lower()) == value


def test_the_environment_goes_before_the_file(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (elsewhere / ".env").write_text("C2B_LOCALE=en\nC2B_TRUSTED_PROXIES=2\nOTHER=1\n")
    monkeypatch.setenv("C2B_TRUSTED_PROXIES", "3")
    assert (settings.load().locale, settings.load().trusted_proxies) == ("en", 3)


def test_a_file_that_is_no_text_is_refused_in_one_sentence(elsewhere: Path) -> None:
    (elsewhere / ".env").write_bytes(b"C2B_LOCALE=\xff\xfe\n")
    with pytest.raises(Invalid, match="not text in UTF-8"):
        settings.load()


def test_the_secret_of_a_local_shop_is_made_once_and_read_by_nobody_else(elsewhere: Path) -> None:
    first, second = (settings.load().with_local_secret().secret_key.get_secret_value() for _ in range(2))
    assert first == second
    assert len(first) > 40
    assert (elsewhere / "c2b-data" / "secret-key").stat().st_mode & 0o777 == 0o600
