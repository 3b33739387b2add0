"""What `episodes.check` found: as lines for a terminal, as JSON, and as a page with pictures."""

from __future__ import annotations

import base64
import html
import json
from collections import Counter
from collections.abc import Sequence

from episodes.doctor import Finding, counts, shares
from episodes.examine import Facts

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; color: #222;
  background: #fff; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 }
td, th { border-bottom: 1px solid #ddd; padding: .25rem .7rem; text-align: left }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.bar { background: #4477aa; height: .8rem; display: inline-block; vertical-align: middle }
.episodes { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 1rem }
figure { margin: 0; font-size: 12px; overflow-wrap: anywhere }
img { width: 100%; image-rendering: auto; display: block; border-radius: 3px }
.bad { color: #aa3333 }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd }
  td, th { border-color: #444 } .bad { color: #ee8888 } }
"""


def in_words(facts: Sequence[Facts], said: Sequence[Finding]) -> str:
    """Lines for a terminal."""
    lines = []
    if facts:
        lines.append(f"{len(facts)} episodes ({_sources(facts)}), "
                     f"{sum(each.decisions for each in facts)} decisions: "
                     + ", ".join(f"{name} {share:.1%}" for name, share in shares(facts).items()))
        lines += [f"  {scenario}: {count}" for scenario, count in _scenarios(facts).items()]
    return "\n".join([*lines, *(f"{each.what}: {each.sentence}" for each in said)])


def as_json(facts: Sequence[Facts], said: Sequence[Finding], problems: Sequence[str]) -> str:
    """The same and more, for programs."""
    episodes = [{
        "file": each.path.name, "scenario": each.scenario, "pattern": each.pattern,
        "distance": each.distance, "source": each.source, "frames": each.frames,
        "decisions": each.decisions, "size": list(each.size), "duration_s": each.duration_s,
        "first_turn": each.first_turn, "classes": dict(each.classes),
    } for each in facts]
    return json.dumps({
        "sound": len(facts), "problems": list(problems), "classes": shares(facts),
        "counts": [{"scenario": scenario, "pattern": pattern, "distance": distance,
                    "episodes": count} | wanted
                   for scenario, pattern, distance, count, wanted in counts(facts)],
        "findings": [{"what": each.what, "sentence": each.sentence,
                      "files": [path.name for path in each.files]} for each in said],
        "episodes": episodes,
    }, indent=1, ensure_ascii=False) + "\n"


def as_html(facts: Sequence[Facts], said: Sequence[Finding], problems: Sequence[str]) -> str:
    """One page without a network; every episode with a picture from its middle."""
    parts = [f"<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>"
             f"<title>Episodes</title><style>{STYLE}</style><h1>{len(facts)} episodes</h1>"
             f"<p>{_escaped(_sources(facts) or 'none')}</p>"]
    if problems:
        parts.append("<h2>Not sound</h2>" + _list(problems, "bad"))
    parts.append("<h2>Findings</h2>" + (_list([f"{each.what}: {each.sentence}" for each in said])
                                        or "<p>None.</p>"))
    parts += ["<h2>Decisions</h2>", _class_table(facts), "<h2>Pictures</h2><div class=episodes>",
              *map(_figure, facts), "</div>", "<h2>Counts</h2>", _count_table(facts)]
    return "\n".join(parts) + "\n"


def _class_table(facts: Sequence[Facts]) -> str:
    rows = "".join(f"<tr><td>{name}<td class=n>{share:.1%}<td><span class=bar "
                   f"style='width:{20 * share:.2f}rem'></span>"
                   for name, share in shares(facts).items())
    return f"<table><tr><th>class<th class=n>share<th>{rows}</table>"


def _count_table(facts: Sequence[Facts]) -> str:
    rows = "".join(
        f"<tr><td>{_escaped(scenario)}<td>{_escaped(pattern)}<td>{_escaped(distance)}"
        f"<td class=n>{count}" + "".join(f"<td class=n>{each}" for each in wanted.values())
        for scenario, pattern, distance, count, wanted in counts(facts))
    return ("<table><tr><th>scenario<th>pattern<th>distance<th class=n>here"
            f"<th class=n>recorded<th class=n>planned{rows}</table>")


def _figure(each: Facts) -> str:
    picture = base64.b64encode(each.thumbnail).decode()
    turn = f", first turn {each.first_turn}" if each.first_turn else ""
    name = _escaped(each.path.name)
    return (f"<figure><img alt='' src='data:image/png;base64,{picture}'><figcaption>{name}<br>"
            f"{each.decisions} decisions{turn}</figcaption></figure>")


def _sources(facts: Sequence[Facts]) -> str:
    return ", ".join(f"{count} {source}"
                     for source, count in Counter(each.source for each in facts).items())


def _scenarios(facts: Sequence[Facts]) -> dict[str, int]:
    return dict(sorted(Counter(each.scenario or "unknown scenario" for each in facts).items()))


def _list(sentences: Sequence[str], style: str = "") -> str:
    rows = "".join(f"<li>{_escaped(each)}" for each in sentences)
    return f"<ul class='{style}'>{rows}</ul>" if rows else ""


def _escaped(text: str) -> str:
    return html.escape(text, quote=True)
