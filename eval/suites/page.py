"""A suite's result: numbers in suite.json, tables in report.md, pictures beside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from episodes.atomic import write_atomically
from eval.pairing import said_of
from eval.results import write_json
from eval.suites import find
from eval.suites.arm import Extra, Found
from eval.suites.driving import FILE, content_of
from eval.suites.judging import HOW, differences, numbers
from eval.suites.plots import differences as differences_picture
from eval.table import Table, markdown


def write(folder: Path, found: Found) -> tuple[dict[str, Any], Extra]:
    """Write all that follows from the arms' runs; returns suite.json's content and the extra."""
    content = content_of(folder)
    suite = find(content["suite"])
    extra = suite.result(found)
    title = f"{suite.name}: {found.control.policy}"
    pictures = {"differences": differences_picture(found, title)} | extra.pictures
    for name, picture in pictures.items():
        write_atomically(folder / f"{name}.png", picture)
    warnings = list(dict.fromkeys(said_of(found.control)))
    content |= {"warnings": warnings, "said": said(found, extra),
                "result": numbers(found) | extra.numbers}
    report = _markdown(title, suite.about, content, tables(found, extra), list(pictures))
    write_atomically(folder / "report.md", report.encode())
    write_json(folder / FILE, content)
    return content, extra


def tables(found: Found, extra: Extra) -> dict[str, Table]:
    """Every table by its title."""
    episodes = len(found.control.lines)
    return {f"Against the control, {episodes} episodes an arm": differences(found)} | extra.tables


def said(found: Found, extra: Extra) -> list[str]:
    """The result in words: what the suite is for first, then what each arm's test says."""
    return extra.said + [f"{arm.name}: {each.verdict}"
                         for (arm, _), each in zip(found.arms, found.contrasts)]


def _markdown(title: str, about: str, content: dict[str, Any], parts: dict[str, Table],
              pictures: list[str]) -> str:
    config = ", ".join(f"{name} {value}" for name, value in content["config"].items()
                       if value not in (None, (), []))
    blocks = [f"# Suite {title}", about, *[f"> **{each}**" for each in content["warnings"]],
              "\n".join(f"- {each}" for each in content["said"]),
              *[f"![{name}]({name}.png)" for name in pictures],
              *[f"## {name}\n\n{markdown(part)}" for name, part in parts.items()],
              HOW, f"Options: {config}."]
    return "\n\n".join(block for block in blocks if block) + "\n"
