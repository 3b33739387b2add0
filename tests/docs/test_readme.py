"""What the README shows exists: its commands, their options, its links, the lines CI runs."""

import re
import shlex
import subprocess
import sys

import pytest

from tests.docs.pages import PAGES, ROOT, clone, run
from tests.docs.pages import blocks as blocks_of

README = ROOT / "README.md"


def called(module, options):
    """The command as far as its options: a package has commands of its own."""
    own = (ROOT / module.replace(".", "/")).is_dir()
    return (module, options.split()[0]) if own else (module,)


SHOWN = sorted({
    (called(module, options), tuple(sorted(re.findall(r"(--[a-z-]+)", options))))
    for page in (README, *PAGES)
    for module, options in re.findall(r"python -m ([a-z_.]+)([^\n#&`]*)",
                                      page.read_text(encoding="utf-8"))
    if "." in module
})


@pytest.mark.parametrize(("command", "options"), SHOWN)
def test_a_shown_command_has_the_options_it_is_shown_with(command, options):
    done = subprocess.run([sys.executable, "-m", *command, "--help"], cwd=ROOT, text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stderr
    assert [option for option in options if option not in done.stdout] == []


def test_the_main_job_is_shown_word_by_word():
    text = README.read_text(encoding="utf-8")
    assert "python -m eval.run --policy hybrid --scenario 2box_hori_left" in text


def test_ci_runs_the_two_lines_between_its_markers():
    text = README.read_text(encoding="utf-8")
    between = text.split("<!-- ci -->\n")[1].split("<!-- /ci -->")[0].strip().splitlines()
    assert between[0] == "```bash"
    assert between[-1] == "```"
    first, second = between[1:-1]
    for line in (first, second):
        assert shlex.split(line)[:3] == ["python3.11", "-m", "venv"]
    assert "eval.run" in first
    assert second.endswith("tox")


def test_ci_refuses_a_folder_that_is_no_clean_clone(tmp_path):
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci" / "run").write_bytes((ROOT / ".ci" / "run").read_bytes())
    (tmp_path / ".venv").mkdir()
    done = subprocess.run(["bash", tmp_path / ".ci" / "run"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "expected a clean clone" in done.stderr


def test_every_link_of_the_readme_leads_somewhere():
    targets = re.findall(r"\]\((?!https?://)([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_readmes_python_runs(tmp_path):
    clone(tmp_path)
    python = [block for block in blocks_of(README) if block.language == "python"]
    assert python
    for block in python:
        run(block, tmp_path)


def test_constraints_pin_every_dependency_and_hold_no_address():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    shape = r"([A-Za-z0-9_.-]+)==([0-9a-z.]+)(; python_version (>=|<) '3\.11')?"
    assert [pin for pin in pins if not re.fullmatch(shape, pin)] == []
    pinned = {re.sub(r"[-_.]+", "-", pin.split("==")[0]).lower() for pin in pins}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wanted = re.findall(r'"([A-Za-z][A-Za-z0-9_-]*)(?:>=|==)[0-9]', project)
    assert len(wanted) > 20
    assert [name for name in wanted if re.sub(r"[-_.]+", "-", name).lower() not in pinned] == []
