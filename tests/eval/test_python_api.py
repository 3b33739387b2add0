"""What is called from Python has the defaults of the command of the same name."""

import dataclasses
import importlib
import inspect
import re

import pytest

from tests.docs.pages import ROOT

TEXT = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
CALLS = re.findall(r"^\| `([\w.]+)\.(\w+)\(", TEXT, re.MULTILINE)


def config_of(module):
    found = importlib.import_module(module)
    return next(getattr(found, name) for name in ("Config", "Options", "TrainingOptions")
                if hasattr(found, name))


@pytest.mark.parametrize(("module", "name"), CALLS)
def test_a_function_has_its_commands_defaults(module, name):
    fields = {each.name: each.default for each in dataclasses.fields(config_of(module))}
    parameters = inspect.signature(getattr(importlib.import_module(module), name)).parameters
    options = [each for each in parameters.values() if each.default is not each.empty]
    for each in options:
        if each.name in fields and each.name != "config":
            assert each.default == fields[each.name], each.name


def test_the_page_names_every_command_that_has_a_function():
    commands = {path.stem for path in (ROOT / "eval").glob("*.py")
                if "run_command(" in path.read_text(encoding="utf-8")}
    named = {module.removeprefix("eval.") for module, _ in CALLS if module.startswith("eval.")}
    without = {name for name in commands if not hasattr(importlib.import_module(f"eval.{name}"),
                                                        name)}
    assert commands - without <= named
