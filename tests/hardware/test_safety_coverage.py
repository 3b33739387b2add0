"""Every branch of the safety rules is taken by their tests, and they need nothing but Python."""

import ast
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SAFETY = sorted((ROOT / "hardware" / "safety").glob("*.py"))
TESTS = ("tests/hardware/test_safety.py", "tests/hardware/test_safety_stops.py")


def test_the_safety_rules_import_the_standard_library_alone():
    assert len(SAFETY) > 1
    for path in SAFETY:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = ([each.name for each in node.names] if isinstance(node, ast.Import) else
                     [node.module] if isinstance(node, ast.ImportFrom) else [])
            for name in names:
                room = name.split(".")[0]
                assert room in sys.stdlib_module_names or name.startswith("hardware.safety")


def test_every_branch_of_the_safety_rules_is_tested(tmp_path):
    data = tmp_path / "coverage"
    run = [sys.executable, "-m", "coverage"]
    subprocess.run([*run, "run", f"--data-file={data}", "--branch", "--include=hardware/safety/*",
                    "-m", "pytest", "-q", "-p", "no:cacheprovider", "--noconftest",
                    "-k", "not thousand",
                    *TESTS], cwd=ROOT, check=True, capture_output=True)
    subprocess.run([*run, "json", f"--data-file={data}", "-q", "-o", tmp_path / "report.json"],
                   cwd=ROOT, check=True, capture_output=True)
    files = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["files"]
    assert len(files) == len(SAFETY)
    missing = {name: (each["missing_lines"], each["missing_branches"])
               for name, each in files.items()
               if each["missing_lines"] or each["missing_branches"]}
    assert missing == {}
