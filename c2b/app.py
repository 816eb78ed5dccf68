"""The web application: wiring only."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix

from c2b import admin
from c2b import clock as the_clock
from c2b import settings as settings_module
from c2b.api import ballots, health, webhooks
from c2b.db import Database
from c2b.payments.gateways import blueprints, build
from c2b.settings import Settings
from c2b.ui import access, assets, filters, language, problems, security
from c2b.ui.retries import Application
from c2b.ui.shell import Parts, reserve_viewers
from c2b.ui.viewers import ViewerNumbers
from c2b.voting.seen import Impressions
from c2b.web import (
    about,
    addresses,
    choosing,
    collecting,
    compare,
    gallery,
    held,
    lost,
    me,
    media,
    news,
    one,
    orders,
    product,
    results,
    shuffle,
    sign_in,
    size,
    verify,
    votes,
    wechat,
    withdrawing,
)

_ROOMS = (
    about,
    addresses,
    admin,
    ballots,
    choosing,
    collecting,
    compare,
    gallery,
    health,
    held,
    lost,
    me,
    media,
    news,
    one,
    orders,
    product,
    results,
    shuffle,
    sign_in,
    size,
    verify,
    votes,
    webhooks,
    wechat,
    withdrawing,
)
"""Whose pages there are."""
_LARGEST_UPLOAD = 256 * 1024 * 1024  # a ZIP of pictures


def create_app(settings: Settings | None = None, *, clock: Callable[[], datetime] = the_clock.now) -> Flask:
    """Return the application for `settings`, read from the environment if not given; the database must be migrated."""
    settings = settings or settings_module.load().with_local_secret()
    app = Application("c2b", static_folder="static", template_folder="ui/templates")
    database = Database(settings.database)
    gateways = build(settings, database, now=clock)
    numbers, impressions = ViewerNumbers(reserve_viewers(database)), Impressions(database)
    app.extensions["c2b"] = Parts(settings, database, numbers, impressions, gateways, clock)
    app.secret_key = settings.secret_key.get_secret_value()
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.config.update(
        MAX_CONTENT_LENGTH=_LARGEST_UPLOAD,
        MAX_FORM_MEMORY_SIZE=security.LARGEST_FORM,
        PERMANENT_SESSION_LIFETIME=timedelta(days=90),
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    language.set_up(app, settings.locale)
    for room in (assets, filters, problems):
        room.set_up(app)
    security.set_up(app, settings, form_hosts=tuple(host for each in gateways.values() for host in each.hosts))
    if settings.trusted_proxies:
        hops: dict[str, Any] = dict.fromkeys(("x_for", "x_proto", "x_host"), settings.trusted_proxies)
        app.wsgi_app = ProxyFix(app.wsgi_app, **hops)  # type: ignore[method-assign]  # Flask's own documented way
    for blueprint in (*(pages.bp for pages in _ROOMS), *blueprints(gateways)):
        app.register_blueprint(blueprint)
    access.require_policies(app)
    return app
