"""The application factory. It is given the packages to serve and knows none of them."""

import time
from collections.abc import Iterable
from datetime import date
from typing import Protocol

from flask import Flask
from flask_babel import lazy_gettext as _l
from sqlalchemy import exists, select
from werkzeug.middleware.proxy_fix import ProxyFix

from lms import clock, db, serving
from lms.accounts import admin as people
from lms.accounts import views as accounts
from lms.accounts.access import READ as READ_PEOPLE
from lms.accounts.actions import (
    RESET,
    RESET_MAIL,
    LinkHandedOver,
    PasswordSet,
    PeopleMoved,
    RoleGranted,
    issue_reset,
)
from lms.accounts.cli import user
from lms.accounts.demo import load_fictional_people
from lms.accounts.gathering import PeopleByUnit
from lms.accounts.models import Person
from lms.accounts.projector import HeadcountProjection, PeopleOfUnits, count_anew, count_of_day
from lms.accounts.projector import follow_late as people_follow
from lms.accounts.queries import PeopleByName, people_called, units_called
from lms.accounts.session import end_overdue_viewings
from lms.accounts.storage import wear_positions
from lms.announcements import access as announcements_access
from lms.announcements import views as announcements
from lms.announcements.actions import ANNOUNCE, mail_announcement
from lms.audit import access as audit_access
from lms.audit import views as audit
from lms.audit.actions import forget_entries
from lms.audit.cli import audit as audit_command
from lms.authentication import admin as credentials
from lms.authentication import protocol as ways
from lms.authentication import views as authentication
from lms.authentication.actions import end_activation_code, end_what_was_handed_out
from lms.authentication.queries import SecondFactorsHere
from lms.config import Config
from lms.contact import views as contact
from lms.contact.actions import mail_person, mail_reset
from lms.db import Database
from lms.documents import views as documents
from lms.doors import ADMINISTRATION, RESULTS, Doors, MenuEntry
from lms.duplicates import views as duplicates
from lms.forwarding import access as forwarding_access
from lms.forwarding import views as forwarding
from lms.forwarding.actions import FORWARD, forward, keep_going
from lms.forwarding.cli import forward as forward_command
from lms.memberships import views as memberships
from lms.notices import views as notices
from lms.notices.actions import forget_old as forget_notices
from lms.notices.queries import data_of as notices_of
from lms.organisation import access as organisation_access
from lms.organisation import admin as changes
from lms.organisation import views as organisation
from lms.organisation.demo import load_sample_units
from lms.organisation.gathering import operations_called
from lms.organisation.projector import ClosureProjection, NameProjection, names_of_the_day
from lms.outbox.actions import MAIL, NIGHTLY, forget_done, run_nightly, settle_day, settled_day
from lms.outbox.cli import worker
from lms.privacy import access as privacy_access
from lms.privacy import admin as privacy_requests
from lms.privacy import views as privacy
from lms.privacy.actions import PersonErased
from lms.records import access as records_access
from lms.records import admin as clients
from lms.records import views as records
from lms.records.cli import xapi as xapi_command
from lms.roles import views as roles
from lms.roles.access import READ_TABLE
from lms.roles.cli import permissions
from lms.roster import admin as roster_files
from lms.roster import views as roster
from lms.roster.actions import ROSTER
from lms.roster.actions import forget_old as forget_lists
from lms.roster.actions import work as go_on_with_list
from lms.roster.cli import roster as roster_command
from lms.roster.queries import bearers_of, lists_called
from lms.roster.storage import data_of as lists_about
from lms.roster.storage import forget_person
from lms.throttle.actions import forget_old
from lms.transfer.cli import export_statements, import_statements
from lms.web import errors, gate, navigation, shell, systems, wording
from lms.web import views as web
from lms.web.feature import Feature
from lms.webhooks import views as webhooks
from lms.webhooks.actions import WEBHOOK, send_message
from lms.webhooks.actions import keep_going as keep_webhooks_going
from lms.webhooks.cli import webhook as webhook_command
from lms.xapi import views as xapi
from lms.xapi.protocol import TOLD


class Package(Protocol):
    """What a top-level package offers: its doors are filled without Flask, its pages are added with it."""

    def fill(self, doors: Doors) -> None:
        """Register listeners, projections, menu entries, commands and jobs."""

    def features(self) -> Iterable[Feature]:
        """The blueprints to serve."""


def fill(doors: Doors) -> None:
    """What the ground itself registers."""
    doors.demo_steps += [load_sample_units, load_fictional_people]
    for command in (forward_command, export_statements, import_statements):
        xapi_command.add_command(command)
    doors.commands += [worker, user, permissions, roster_command, xapi_command, audit_command, webhook_command]
    doors.jobs |= {MAIL: mail_person, NIGHTLY: run_nightly, FORWARD: forward, ROSTER: go_on_with_list}
    doors.jobs |= {RESET: issue_reset, RESET_MAIL: mail_reset, ANNOUNCE: mail_announcement, WEBHOOK: send_message}
    doors.nightly += [forget_done, forget_old, forget_lists, keep_going, end_overdue_viewings, forget_entries]
    doors.nightly += [forget_notices, keep_webhooks_going]
    doors.called |= {"person": people_called, "unit": units_called, "list": lists_called}
    doors.called |= dict.fromkeys(("unit operation", "operation"), operations_called)
    doors.people = PeopleByName()
    doors.second_factors = SecondFactorsHere()
    doors.bearers_of = bearers_of
    doors.listen(PasswordSet, end_activation_code)
    doors.listen(LinkHandedOver, end_activation_code)
    doors.listen(RoleGranted, end_what_was_handed_out)
    doors.headcount = PeopleByUnit()
    doors.belongings.append(PeopleOfUnits())
    doors.listen(PeopleMoved, count_anew)
    doors.daybreak += [names_of_the_day, people_follow, wear_positions, count_of_day]
    doors.projections += [ClosureProjection(), NameProjection(), HeadcountProjection()]
    doors.listen(PersonErased, forget_person)
    doors.own_data += [lists_about, notices_of]
    doors.menu += [
        MenuEntry(_l("Nhật ký học tập"), "records.index", records_access.BROWSE, 60, RESULTS),
        MenuEntry(_l("Cán bộ"), "people.index", READ_PEOPLE, 80, ADMINISTRATION),
        MenuEntry(_l("Đơn vị"), "organisation.index", organisation_access.READ, 81, ADMINISTRATION),
        MenuEntry(_l("Thông báo"), "announcements.index", announcements_access.READ, 82, ADMINISTRATION),
        MenuEntry(_l("Hệ thống kết nối"), "clients.index", records_access.READ_CLIENTS, 83, ADMINISTRATION),
        MenuEntry(_l("Đề nghị về dữ liệu"), "privacy_requests.index", privacy_access.READ, 84, ADMINISTRATION),
        MenuEntry(_l("Gửi bản ghi"), "forwarding.index", forwarding_access.READ, 95, ADMINISTRATION),
        MenuEntry(_l("Kênh báo tin"), "webhooks.index", forwarding_access.READ, 95, ADMINISTRATION),
        MenuEntry(_l("Nhật ký hệ thống"), "audit.index", audit_access.READ, 96, ADMINISTRATION),
        MenuEntry(_l("Bảng quyền"), "permissions.table", READ_TABLE, 98, ADMINISTRATION),
    ]


def features() -> Iterable[Feature]:
    """The blueprints of the ground itself: its pages."""
    own = (
        web.bp,
        accounts.bp,
        contact.bp,
        notices.bp,
        authentication.bp,
        ways.bp,
        people.bp,
        roles.bp,
        roles.permissions,
        memberships.bp,
        duplicates.bp,
        announcements.bp,
        credentials.bp,
        roster.bp,
        roster_files.bp,
        organisation.bp,
        changes.bp,
    )
    return (*own, records.bp, clients.bp, forwarding.bp, webhooks.bp, audit.bp, privacy.bp, privacy_requests.bp)


SYSTEMS = (xapi.bp, documents.bp, records.published)  # what other systems speak to


def open_doors(packages: Iterable[Package]) -> Doors:
    """All registries of a product made of these packages."""
    doors = Doors()
    fill(doors)
    for package in packages:
        package.fill(doors)
    return doors


def create_app(config: Config, packages: Iterable[Package]) -> Flask:
    """The web application. It does not migrate: `lms init` does."""
    packages = tuple(packages)
    doors = open_doors(packages)
    app = systems.Application("lms", static_folder=None)
    database = Database(config, doors)
    daybreak = Daybreak(database)
    blueprints = [feature for part in (features(), *(package.features() for package in packages)) for feature in part]
    assets = serving.Assets({one.name: one.assets for one in blueprints if one.assets is not None})
    app.extensions["assets"] = assets
    db.init_app(app, database)
    store = systems.application(config, database, SYSTEMS, TOLD, first=daybreak)
    store.wsgi_app = xapi.ShortWay(store, daybreak)  # type: ignore[method-assign]  # Flask's documented way
    app.extensions["systems"] = store
    app.before_request(daybreak)
    navigation.init_app(app, doors)
    gate.init_app(app)
    app.extensions["demo_notice"] = DemoNotice(database)
    shell.init_app(app, config, assets.url, app.extensions["demo_notice"])
    errors.init_app(app)
    wording.init_app(app)
    for feature in blueprints:
        app.register_blueprint(feature)
    both = systems.beside(app.wsgi_app, store.wsgi_app)
    app.wsgi_app = assets.wrap(both)  # type: ignore[assignment, method-assign]  # Flask's documented way
    if config.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, *[config.proxies] * 4)  # type: ignore[method-assign]
    return app


class Daybreak:
    """Settles what changes with the day before the first answer of a new day: all pages then speak of one day."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._settled = date.min

    def __call__(self) -> None:
        today = clock.today()
        if self._settled >= today:
            return
        with self._database.reading() as session:
            settled = settled_day(session)
        if settled is not None and settled >= today:
            self._settled = settled
            return
        with db.if_there_is_room():  # else the pages speak of the day before, as long as it takes
            with self._database.writing() as session:
                settled = settle_day(session)
            self._settled = settled


class DemoNotice:
    """Whether demo people are here: then every page says so. Asked of the database every ten seconds at most."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._answer = False
        self.until = 0.0  # by the monotonic clock: until when the answer is taken as it is

    def __call__(self) -> bool:
        if time.monotonic() > self.until:
            with self._database.reading() as session:
                self._answer = bool(session.scalar(select(exists().where(Person.fictional))))
            self.until = time.monotonic() + 10
        return self._answer
