"""The clients in Node are locked, and their tests run with what is locked and with nothing else."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests import groups

PACKAGES = groups.ROOT / "tests" / "node"


def test_every_package_is_locked_by_its_sum_and_comes_from_the_public_registry() -> None:
    lock = json.loads((PACKAGES / "package-lock.json").read_text("utf-8"))["packages"]
    packages = {folder: one for folder, one in lock.items() if folder}
    assert {"node_modules/@xapi/xapi", "node_modules/tincanjs"} <= set(packages)
    assert [folder for folder, one in packages.items() if not one.get("integrity", "").startswith("sha512-")] == []
    addresses = [one["resolved"] for one in packages.values() if "resolved" in one]
    assert [one for one in addresses if not one.startswith("https://registry.npmjs.org/")] == []
    assert [folder for folder, one in packages.items() if one.get("hasInstallScript")] == []


def test_the_two_clients_are_named_by_exact_version() -> None:
    wanted = json.loads((PACKAGES / "package.json").read_text("utf-8"))["dependencies"]
    assert [one for one in wanted.values() if not re.fullmatch(r"\d+\.\d+\.\d+", one)] == []
    lock = json.loads((PACKAGES / "package-lock.json").read_text("utf-8"))["packages"]
    assert {name: lock[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert lock[""]["dependencies"] == wanted


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another checkout: a Node of version 18 on the path, and the locked packages as if npm had installed them."""
    node = tmp_path / "bin" / "node"
    node.parent.mkdir()
    node.write_text("#!/bin/sh\necho v18.20.4\n", "utf-8")
    node.chmod(0o700)
    monkeypatch.setenv("PATH", str(node.parent))
    monkeypatch.setattr(groups, "ROOT", tmp_path)
    folder = tmp_path / "tests" / "node"
    (folder / "node_modules").mkdir(parents=True)
    shutil.copy(PACKAGES / "package-lock.json", folder)
    shutil.copy(folder / "package-lock.json", folder / "node_modules" / ".package-lock.json")
    return tmp_path


def test_the_group_runs_with_what_is_locked(project: Path) -> None:
    assert groups.node() == str(project / "bin" / "node")


def test_another_version_than_the_locked_one_leaves_the_group_out(project: Path) -> None:
    hidden = project / "tests" / "node" / "node_modules" / ".package-lock.json"
    was = hidden.read_text("utf-8")
    hidden.write_text(was.replace('"version": "0.50.0"', '"version": "0.49.0"'), "utf-8")
    assert hidden.read_text("utf-8") != was
    assert groups.node() is None


@pytest.mark.parametrize("said", ["v16.20.2", "not a version"])
def test_a_node_that_is_too_old_or_no_node_leaves_the_group_out(project: Path, said: str) -> None:
    (project / "bin" / "node").write_text(f"#!/bin/sh\necho {said}\n", "utf-8")
    assert groups.node() is None


def test_what_is_not_installed_leaves_the_group_out(project: Path) -> None:
    shutil.rmtree(project / "tests" / "node" / "node_modules")
    assert groups.node() is None
