"""Compiled kernels follow their sources, and find a place wherever they are installed."""

import pytest

from envs.raycast import compiled


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """An installation of three sources, and a user's cache beside it."""
    home, package = tmp_path / "cache", tmp_path / "package"
    package.mkdir()
    for name in ("lines", "paint", "render"):
        (package / f"{name}.py").write_text(f'"""{name}"""\n', encoding="utf-8")
    monkeypatch.setattr(compiled, "HERE", package)
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    return package


def test_the_cache_lies_beside_the_sources_under_a_name_of_all_of_them(installed):
    before = compiled._cache_folder()
    assert before.parent == installed / "__pycache__"
    assert compiled._cache_folder() == before
    for name in ("lines", "paint", "render"):  # those that others call, too
        with (installed / f"{name}.py").open("a", encoding="utf-8") as file:
            file.write("CHANGED = True\n")
        after = compiled._cache_folder()
        assert after != before
        before = after


def test_an_installation_that_cannot_be_written_uses_the_users_cache(installed, tmp_path):
    (installed / "__pycache__").write_text("no folder", encoding="utf-8")
    folder = compiled._cache_folder()
    assert folder.parent == tmp_path / "cache" / "mobile-vla-bench"
    assert folder.is_dir()


def test_without_any_place_it_is_compiled_among_the_temporary_files(installed, tmp_path,
                                                                    monkeypatch):
    (installed / "__pycache__").write_text("no folder", encoding="utf-8")
    (tmp_path / "cache").write_text("no folder", encoding="utf-8")
    monkeypatch.setattr(compiled.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    assert compiled._cache_folder().is_relative_to(tmp_path / "temporary")


def test_what_is_compiled_is_kept_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "CACHE_FOLDER", tmp_path)
    twice = compiled.jit(_twice)
    assert twice(21) == 42
    assert list(tmp_path.rglob("*.nbi"))


def _twice(number):
    return 2 * number
