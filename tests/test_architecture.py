"""Who may import whom, what stays light, and the house's sizes: held by reading the code itself."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hiding import hide

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {  # room -> modules of ours, each with everything below it; a room may import itself
    "scenarios": (),
    "envs": ("scenarios",),
    "policies": ("envs.interface", "envs.planner"),
    "episodes": ("scenarios", "envs", "policies"),
    "training": ("scenarios", "envs", "policies", "episodes", "eval.metrics"),
    "eval": ("scenarios", "envs", "policies", "episodes", "hardware"),
    "hardware": ("scenarios", "envs.interface", "envs.load_robot", "envs.realtime", "envs.wire",
                 "policies", "episodes"),
}
ROOMS = [room for room in MAY_IMPORT if (ROOT / room).is_dir()]
MODELS = ("torch", "torchvision", "transformers", "open_clip", "tokenizers", "safetensors",
          "accelerate", "huggingface_hub")
MAY_USE = {  # a large or rare library -> the files or rooms that may import it, anywhere in them
    "pybullet": ("envs/simulator.py",),
    "rclpy": ("hardware/ros.py",),
    "gymnasium": ("envs/", "hardware/robot_env.py"),
    "cyclonedds": ("hardware/bridge.py", "hardware/ros_messages.py", "hardware/transport_dds.py"),
    **dict.fromkeys(("numba", "llvmlite"), ("envs/raycast/", "policies/one_row.py")),
    **dict.fromkeys(("rosbags", "apsw"), ("episodes/rosbag.py",)),
    "ray": ("episodes/actors.py", "episodes/ray_session.py"),
    "hdf5plugin": ("episodes/",),
    "websockets": ("policies/remote_line.py", "hardware/"),
    **dict.fromkeys(("fastapi", "starlette", "uvicorn"), ("hardware/web/",)),
    "msgpack": ("policies/wire.py",),
    "h5py": ("episodes/", "training/", "eval/"),
    "sklearn": ("eval/",),
    "matplotlib": ("eval/", "episodes/"),
    **dict.fromkeys(MODELS, ("policies/", "training/")),
}
HEAVY = ("pybullet", "numba", "ray", "torch", "torchvision", "transformers", "open_clip",
         "matplotlib", "sklearn", "scipy", "accelerate", "rclpy")
ABSENT_ON_A_ROBOT = ("pybullet", "gymnasium", "numba", "hdf5plugin")
FORBIDDEN_NAMES = ("utils", "util", "common", "core", "helpers", "helper", "misc")
MAX_FILE_LINES, MAX_FUNCTION_LINES = 300, 40
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.AST) -> set[str]:
    """Dotted names of everything imported, with `from a import b` as `a.b`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names}
    return found


def below(name: str, allowed: str) -> bool:
    return name == allowed or name.startswith(allowed + ".")


def modules(room: str) -> list[str]:
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in FILES]
    return [name.removesuffix(".__init__") for name in names if below(name, room)]


def commands() -> list[str]:
    return [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in FILES
            if 'if __name__ == "__main__"' in path.read_text(encoding="utf-8")]


def swallows(handler: ast.ExceptHandler) -> bool:
    """Whether it catches everything; to tidy up and raise again is allowed."""
    caught = ast.unparse(handler.type) if handler.type else "everything"
    last = handler.body[-1]
    raises_again = isinstance(last, ast.Raise) and last.exc is None
    return caught in ("everything", "Exception") or (caught == "BaseException" and not raises_again)


def python(code: str, *arguments: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=ROOT, text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_by(code: str, *arguments: str) -> list[str]:
    """Which heavy libraries a fresh interpreter has loaded after `code`."""
    tail = f"\nimport json, sys\nprint(json.dumps([n for n in {HEAVY!r} if n in sys.modules]))"
    return json.loads(python(code + tail, *arguments).splitlines()[-1])


def test_every_package_is_a_known_room():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages <= set(MAY_IMPORT)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_imports_only_the_rooms_it_may(path):
    room = name_of(path).split("/")[0]
    allowed = (room, *MAY_IMPORT[room])
    wrong = [name for name in imported(tree_of(path)) if name.split(".")[0] in MAY_IMPORT
             and not any(below(name, each) for each in allowed)]
    assert wrong == []


def test_no_file_imports_the_bare_name_eval():
    assert [name_of(path) for path in FILES if "eval" in imported(tree_of(path))] == []


def test_no_import_is_relative():
    relative = [name_of(path) for path in FILES
                if any(name.startswith(".") for name in imported(tree_of(path)))]
    assert relative == []


@pytest.mark.parametrize("library", MAY_USE)
def test_a_large_library_is_imported_only_where_it_belongs(library):
    users = [name_of(path) for path in FILES
             if any(below(name, library) for name in imported(tree_of(path)))]
    assert [user for user in users if not user.startswith(MAY_USE[library])] == []


@pytest.mark.parametrize("room", ROOMS)
def test_importing_a_room_loads_no_heavy_library(room):
    assert loaded_by(f"import importlib; importlib.import_module({room!r})") == []


@pytest.mark.parametrize("command", commands())
def test_help_answers_without_heavy_libraries(command):
    code = (f"import runpy, sys\nsys.argv = ['command', '--help']\n"
            f"try:\n    runpy.run_module({command!r}, run_name='__main__', alter_sys=True)\n"
            f"except SystemExit as end:\n    assert end.code in (0, None), end.code\n")
    assert loaded_by(code) == []


HIDE = hide(ABSENT_ON_A_ROBOT) + """
import importlib.util
assert importlib.util.find_spec('pybullet') is None
"""


@pytest.mark.parametrize("room", [r for r in ("policies", "training", "hardware") if r in ROOMS])
def test_a_room_of_the_robot_imports_without_simulator_and_gymnasium(room):
    body = "\n".join(f"importlib.import_module({name!r})" for name in modules(room))
    python(f"{HIDE}\nimport importlib\n{body}")


def test_planner_and_baselines_work_without_simulator_and_gymnasium():
    printed = python(HIDE + """
import numpy as np
import policies
from envs.interface import BoxTruth, Truth
from policies.interface import TRUTH

box = BoxTruth(1.0, 0.0, 0.0, 0.4, 0.25)
truth = Truth((0.0, 0.0, 0.0), (box,), (2.5, 0.0), 'left', 0.17, 0.2, 0.45, 0.1, 0.0)
expert = policies.make('expert')
memory = expert.begin('go', 0)
memory.truth = truth
print(expert.act([memory], [None])[0].commands[0, 1] > 0)
""")
    assert printed.strip() == "True"


def test_no_file_has_a_name_that_says_nothing():
    assert [name_of(path) for path in FILES if path.stem in FORBIDDEN_NAMES] == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_swallows_nothing_and_fits_the_house(path):
    tree, text = tree_of(path), path.read_text(encoding="utf-8")
    lines = len(text.splitlines())
    assert lines <= MAX_FILE_LINES, f"{lines} lines"
    long = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            assert not swallows(node), f"line {node.lineno}"
        if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant):
            assert (node.arg, node.value.value) not in (
                ("strict", False), ("allow_pickle", True), ("trust_remote_code", True))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            long[node.name] = node.end_lineno - node.lineno + 1
    assert {name: n for name, n in long.items() if n > MAX_FUNCTION_LINES} == {}


def test_every_room_is_packaged():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert [room for room in ROOMS if f'"{room}*"' not in text] == []
