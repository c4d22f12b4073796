"""The product refuses to start with settings under which it would be unsafe, and says why."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url

import wsgi
from lms.accounts.rules import PERMISSIONS
from lms.app import open_doors
from lms.config import ROLES, Config, Misconfigured, SessionLimits
from lms.db import Database
from tests.conftest import config_for

GOOD = {
    "LMS_DATABASE_URL": "postgresql://lms@localhost/lms",
    "LMS_SECRET_KEY": "Zk3v9Qw7Lx2Np8Rt5Yb1Hc6Mf4Jd0Ga-s",
    "LMS_SITE_URL": "https://hoc.example.gov.vn",
    "LMS_DATA_DIR": "/var/lib/quan-triet",
}


def test_production_starts_with_all_four_settings() -> None:
    config = Config.from_environment(GOOD)
    assert config.secure
    assert config.host == "hoc.example.gov.vn"
    assert config.iri_base == "https://hoc.example.gov.vn"
    assert not config.local


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        Config.from_environment({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("LMS_SECRET_KEY", "short", "weak"),
        ("LMS_SECRET_KEY", "a" * 64, "weak"),
        ("LMS_SECRET_KEY", "changeme-changeme-changeme-changeme-1234567890", "weak"),
        ("LMS_SITE_URL", "http://hoc.example.gov.vn", "https"),
        ("LMS_SITE_URL", "hoc.example.gov.vn", "look like"),
        ("LMS_SITE_URL", "https://hoc.example.gov.vn/lms", "look like"),
        ("LMS_PROXIES", "two", "whole number"),
        ("LMS_XAPI_DEFAULT_VERSION", "0.95", "1.0.3 or 2.0.0"),
        ("LMS_XAPI_ORIGINS", "*", "must list origins"),
        ("LMS_XAPI_ORIGINS", "https://a.example.vn http://b.example.vn", "must list origins"),
        ("LMS_XAPI_ORIGINS", "https://a.example.vn/", "must list origins"),
        ("LMS_FORWARD_TO", "lrs.noi-bo.gov.vn", "host:port"),
        ("LMS_AUDIT_MONTHS", "2", "from 3 to 240"),
        ("LMS_AUDIT_LINES", "audit.jsonl", "whole path"),
        ("LMS_AUDIT_LINES", "syslog://", "whole path"),
        ("LMS_SECOND_FACTOR", "administrator trainers", "some of"),
        ("LMS_SECOND_FACTOR", "none head", "some of"),
        ("LMS_PASSWORD_LENGTH", "7", "between 8 and 64"),
        ("LMS_PASSWORD_CLASSES", "5", "0 to 4"),
        ("LMS_SESSION_IDLE_MINUTES", "2", "at least 5"),
        ("LMS_SESSION_MINUTES", "60", "not longer"),
        ("LMS_FORMER_SECRET_KEYS", "short", "weak"),
        ("LMS_OIDC_ISSUER", "http://dang-nhap.example.gov.vn", "must look like"),
        ("LMS_OIDC_ISSUER", "https://dang-nhap.example.gov.vn", "CLIENT_ID is not set"),
        ("LMS_FORWARD_TO", "https://lrs.noi-bo.gov.vn:443/", "host:port"),
    ],
)
def test_a_weak_setting_is_refused_with_its_reason(name: str, value: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=f"{name}.*{reason}|{reason}"):
        Config.from_environment({**GOOD, name: value})


PROVIDER = {
    "LMS_OIDC_ISSUER": "https://dang-nhap.example.gov.vn",
    "LMS_OIDC_CLIENT_ID": "quan-triet",
    "LMS_OIDC_CLIENT_SECRET": "a secret",
}


def test_roles_that_see_or_change_what_is_others_need_a_second_factor_but_not_in_a_local_trial(tmp_path: Path) -> None:
    assert Config.from_environment(GOOD).second_factor == {
        "administrator",
        "auditor",
        "deputy",
        "head",
        "trainer",
        "unit_administrator",
    }
    assert Config.from_environment({**GOOD, "LMS_SECOND_FACTOR": "none"}).second_factor == set()
    trial = {"LMS_LOCAL": "1", "LMS_DATA_DIR": str(tmp_path)}
    assert Config.from_environment(trial).second_factor == set()
    assert Config.from_environment({**trial, "LMS_SECOND_FACTOR": "head"}).second_factor == {"head"}


def test_the_roles_a_second_factor_may_be_asked_of_are_those_there_are() -> None:
    assert set(ROLES) == set(PERMISSIONS)


def test_another_sign_in_service_is_off_until_it_is_named() -> None:
    assert Config.from_environment(GOOD).provider is None
    provider = Config.from_environment({**GOOD, **PROVIDER, "LMS_OIDC_MATCH": "code"}).provider
    assert provider is not None
    assert (provider.claim, provider.create) == ("employee_number", False)
    for wrong in ({"LMS_OIDC_MATCH": "phone"}, {"LMS_OIDC_SCOPES": "email"}, {"LMS_OIDC_CLIENT_SECRET": ""}):
        with pytest.raises(Misconfigured, match="LMS_OIDC"):
            Config.from_environment({**GOOD, **PROVIDER, **wrong})


def test_sessions_of_administrators_are_never_the_longer_ones() -> None:
    limits = Config.from_environment({**GOOD, "LMS_SESSION_IDLE_MINUTES": "15"}).sessions
    assert (limits.idle, limits.admin_idle) == (timedelta(minutes=15), timedelta(minutes=15))
    assert SessionLimits().admin_idle < SessionLimits().idle


def test_a_local_trial_needs_no_settings_and_keeps_its_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = (Config.from_environment({"LMS_LOCAL": "1", "PORT": "8123"}) for _ in range(2))
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 32
    assert (tmp_path / "instance" / "secret-key").stat().st_mode & 0o077 == 0
    assert first.site_url == "http://127.0.0.1:8123"
    assert first.database_url.startswith("sqlite:///")


@pytest.mark.parametrize("backend", [pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_options_in_the_address_of_a_database_hold_beside_ours(database_url: str, tmp_path: Path) -> None:
    """What is read in pieces is planned to be read to its end, and batches of statements are planned once."""
    url = make_url(database_url).update_query_dict({"options": "-c statement_timeout=4321ms"})
    config = config_for(url.render_as_string(hide_password=False), tmp_path)
    database = Database(config, open_doors(wsgi.PACKAGES))
    engines = (database.write_engine, "cursor_tuple_fraction"), (database.storing_engine, "plan_cache_mode")
    found = []
    for engine, ours in engines:
        with engine.connect() as connection:
            found.append([connection.exec_driver_sql(f"SHOW {name}").scalar() for name in ("statement_timeout", ours)])
        engine.dispose()
    assert found == [["4321ms", "1"], ["4321ms", "force_generic_plan"]]
