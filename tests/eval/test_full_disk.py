"""A disk that is full ends a run with a sentence, and the run goes on when there is room."""

import json
import subprocess
import sys

from tests.eval.test_run import ROOT

KILOBYTES = 24  # that one file may have: episodes.jsonl is the first to want more
EPISODES = 40


def run_command(*options: str, limit: str = "unlimited") -> subprocess.CompletedProcess:
    return subprocess.run(
        ["bash", "-c", f'ulimit -f {limit}; exec "$@"', "bash", sys.executable, "-m", "eval.run",
         *options], cwd=ROOT, text=True, capture_output=True, timeout=300)


def test_a_full_disk_is_one_sentence_and_the_run_goes_on_when_there_is_room(tmp_path):
    full = run_command("--policy", "forward", "--scenario", "1box_vert_left", "--episodes",
                       str(EPISODES), "--videos", "0", "--workers", "0", "--out", str(tmp_path),
                       limit=str(KILOBYTES))
    assert full.returncode == 2, full.stderr
    assert "Traceback" not in full.stderr
    (folder,) = tmp_path.iterdir()
    assert f"error: {folder}: [Errno 27] File too large; what is driven is kept." in full.stderr
    assert f"Continue with: python -m eval.run --resume {folder}" in full.stderr
    driven = (folder / "episodes.jsonl").read_bytes().count(b"\n")
    assert 0 < driven < EPISODES
    again = run_command("--resume", str(folder), "--workers", "0")
    assert again.returncode == 0, again.stderr
    lines = (folder / "episodes.jsonl").read_text().splitlines()
    assert len({json.loads(line)["id"] for line in lines}) == EPISODES
