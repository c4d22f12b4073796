"""The product refuses to start with settings under which it would be unsafe, and says why."""

from pathlib import Path

import pytest

from lms.config import Config, Misconfigured

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
        ("LMS_FORWARD_TO", "https://lrs.noi-bo.gov.vn:443/", "host:port"),
    ],
)
def test_a_weak_setting_is_refused_with_its_reason(name: str, value: str, reason: str) -> None:
    with pytest.raises(Misconfigured, match=f"{name}.*{reason}|{reason}"):
        Config.from_environment({**GOOD, name: value})


def test_a_local_trial_needs_no_settings_and_keeps_its_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = (Config.from_environment({"LMS_LOCAL": "1", "PORT": "8123"}) for _ in range(2))
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 32
    assert (tmp_path / "instance" / "secret-key").stat().st_mode & 0o077 == 0
    assert first.site_url == "http://127.0.0.1:8123"
    assert first.database_url.startswith("sqlite:///")
