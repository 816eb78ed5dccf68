"""What each legal profile does, as data, with its sources and the texts that customers read."""

from dataclasses import dataclass

from flask_babel import gettext as _

from c2b.admin.blueprint import bp
from c2b.admin.page import show
from c2b.campaigns import queries
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import LegalProfile, text
from c2b.deposits import legal
from c2b.deposits.legal import Legal
from c2b.deposits.rights import EEA_COUNTRIES, EU_WITHDRAWAL, DelayRule, Leaving, Source, as_list
from c2b.errors import N_
from c2b.ui.language import locale
from c2b.ui.shell import now, reading, staff_required

_LANGUAGES = {"zh_Hans_CN": "zh-CN", "en": "en"}
TITLES = {
    LegalProfile.CN_DINGJIN: N_("China, deposit that binds both sides"),
    LegalProfile.CN_PREPAY: N_("China, advance payment"),
    LegalProfile.EU: N_("European Union"),
    LegalProfile.US: N_("United States"),
    LegalProfile.GENERIC: N_("Elsewhere"),
}
_NAMES = {"zh_Hans_CN": "中文", "en": "English"}


@dataclass(frozen=True)
class Profile:
    """One profile as the page shows it; `terms` by language tag, paragraph by paragraph."""

    name: str
    """As campaign files write it."""
    title: str
    rules: tuple[tuple[str, str], ...]
    """What it does, with its source."""
    terms: tuple[tuple[str, str, list[str]], ...]
    """Tag and name of the language, and the paragraphs."""
    campaigns: tuple[tuple[str, str], ...]
    """Slug and title of those that use it."""


@bp.get("/legal")
@staff_required()
def legal_profiles() -> str:
    """Show all profiles and which campaigns use them."""
    with reading() as session:
        campaigns = queries.campaigns(session)
        found = [_profile(each, [one for one in campaigns if one.legal_profile is each]) for each in LegalProfile]
    countries, source = as_list(EEA_COUNTRIES), _source(EU_WITHDRAWAL.source)
    return show("legal.html", here="legal_profiles", profiles=found, countries=countries, withdrawal=source)


def _profile(profile: LegalProfile, used: list[Campaign]) -> Profile:
    closes = {"closes": used[0].ordering_closes, "time_zone": used[0].time_zone, "grace_days": used[0].grace_days} if used else None
    facts = closes or {"closes": now(), "time_zone": "UTC", "grace_days": 7}
    terms = tuple(
        (tag, _NAMES[spoken], legal.terms(profile, locale=spoken, **facts).split("\n"))  # type: ignore[arg-type]
        for spoken, tag in _LANGUAGES.items()
    )
    titles = tuple((each.slug, text(each.title, each.title_en, locale())) for each in used)
    return Profile(profile.value, _(TITLES[profile]), _rules(profile, legal.legal(profile)), terms, titles)


def _rules(profile: LegalProfile, rules: Legal) -> tuple[tuple[str, str], ...]:
    sources = "; ".join(_source(each) for each in rules.sources) or _("no law in particular")
    said = [(_cap(legal.cap_percent(profile)), sources), (_unpaid(rules), sources)]
    doubled = _("Can’t we deliver, everything comes back, and the deposit is owed once more.")
    said.append((doubled if rules.doubles else _("Can’t we deliver, everything comes back."), sources))
    said.append((_leaving(rules.leaving), _own(rules.leaving, sources)))
    said.append((_delay(rules), _own(rules.delay, sources)))
    return tuple(said)


def _own(rule: Leaving | DelayRule | None, sources: str) -> str:
    """Return a rule's own source; without a rule, those that say so by saying nothing."""
    return _source(rule.source) if rule else sources


def _cap(percent: int | None) -> str:
    if percent is None:
        return str(_("The deposit may be as much as the lowest tier’s price."))
    return str(_("The deposit is at most %(percent)s %% of the lowest tier’s price.", percent=percent))


def _unpaid(rules: Legal) -> str:
    if not rules.forfeits:
        return str(_("Balance not paid: the product is cancelled and the deposit returned."))
    if rules.forfeits_unreminded:
        return str(_("Balance not paid: the deposit is kept."))
    return str(_("Balance not paid: the deposit is kept, but only if a reminder was delivered."))


def _leaving(by: Leaving | None) -> str:
    if by is None:
        return str(_("No returns without a reason."))
    if by.before:
        return str(_("Withdrawal at any time before the goods come, and for %(days)s days after, shipping included.", days=by.days))
    return str(_("Returns without a reason for %(days)s days after the goods came; the shipping isn’t returned.", days=by.days))


def _delay(rules: Legal) -> str:
    if rules.delay is None:
        return str(_("Later than promised: customers are told, nothing is asked."))
    asked: str = _(
        "Later than promised: customers are asked. Silence agrees to a first delay of up to %(days)s days; it cancels a longer one "
        "%(days)s days after the old day, and every further one on the old day.",
        days=rules.delay.silence_days,
    )
    return asked


def _source(source: Source) -> str:
    return text(source.zh, source.en, locale())
