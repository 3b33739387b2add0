"""Other people's checkpoints as folders of ours: `python -m policies.adopt FILE --out FOLDER`.

Towers are taken over strictly, under our names. A head is taken over where it fits: that of the
seeds' simple LSTM does, so that its file becomes a `simple_lstm` checkpoint that `eval.run
--policy FOLDER` drives. Its features are ours, not the original's (`policies.simple_lstm`).
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    from policies.clip import Clip
    from policies.fits import Fit
    from policies.kosmos import Kosmos

BAD_INPUT = 2
HEAD_POLICY = "simple_lstm"


@dataclass(frozen=True)
class Options:
    """Take the towers of a weight file, and its head where it fits, into a folder."""

    file: Annotated[Path, tyro.conf.Positional]
    """A .safetensors, .pth or .pt file, see `python -m policies.inspect`."""
    out: Path
    """The folder to make; it must not be there yet."""
    size: Literal["mini", "full"] = "full"
    """Of the models in the file."""
    words: str = "microsoft/kosmos-2-patch14-224"
    """Where Kosmos-2's tokenizer comes from, which such files lack: a folder, or the hub."""


def adopt(file: Path, out: Path, size: str = "full",
          words: str = "microsoft/kosmos-2-patch14-224") -> list[str]:
    """Write the folder; returns what became of each part, in sentences.

    Raises:
        ValueError: one sentence, if nothing can be taken; nothing is left half-written then.
    """
    from policies.fits import fits
    from policies.memory import load_bytes, require
    from policies.weight_file import look

    if out.exists():
        raise ValueError(f"{out}: is there already; choose another --out.")
    found = look(file)
    towers = {fit.model.split()[0]: fit for fit in fits(found.entries)
              if fit.model in (f"kosmos2 {size}", f"clip {size}")}
    if "kosmos2" not in towers:
        raise ValueError(f"{file}: holds no Kosmos-2 of size {size}; python -m policies.inspect "
                         f"says what it holds.")
    for fit in towers.values():
        _refuse(file, fit)
    stored = sum(entry.stored_bytes for entry in found.entries.values())
    require(load_bytes(found.numbers, "fp32", stored), f"Taking over {file}")
    making = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        said = _write(file, making, size, words, sorted(towers))
        making.replace(out)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return said


def _refuse(file: Path, fit: Fit) -> None:
    """Raise where a tower is not whole."""
    if not fit.is_whole:
        names = [*fit.missing, *fit.unexpected, *fit.wrong]
        raise ValueError(f"{file}: its tensors do not fit {fit.model}: {len(fit.missing)} missing, "
                         f"{len(fit.unexpected)} unexpected, {len(fit.wrong)} of another shape, "
                         f"like {names[0]}. python -m policies.inspect {file} --all-keys lists "
                         f"them.")


def _write(file: Path, folder: Path, size: str, words: str, towers: list[str]) -> list[str]:
    """Towers, and the head if it fits."""
    from policies.weight_file import read

    tensors = read(file)
    kosmos = _kosmos(tensors, size, words, file)
    kosmos.save_pretrained(folder / "towers" / "kosmos2")
    said = [f"kosmos2 {size}: taken over to towers/kosmos2"]
    if "clip" in towers:
        _clip(tensors, size, file).save_pretrained(folder / "towers" / "clip")
        said.append(f"clip {size}: taken over to towers/clip")
    return [*said, _write_head(tensors, kosmos, size, file, folder)]


def _kosmos(tensors: dict, size: str, words: str, file: Path) -> Kosmos:
    """Kosmos-2 with the file's weights.

    Raises:
        ValueError: if the tokenizer cannot be had or belongs to another vocabulary.
    """
    from dataclasses import replace

    from policies.kosmos import Kosmos
    from policies.legacy import EMBEDDINGS, kosmos_tensors
    from policies.sizes import sizes
    from policies.weights import load_strictly

    renamed = kosmos_tensors(tensors)
    rows = renamed[EMBEDDINGS].shape[0]
    try:
        tokenizer = Kosmos.tokenizer(Path(words))
    except (OSError, ValueError) as error:  # no folder, and no name of a repository either
        raise ValueError(f"Kosmos-2's tokenizer {words!r} cannot be had: "
                         f"{str(error).splitlines()[0]} Give a folder with --words.") from error
    if len(tokenizer) > rows:
        raise ValueError(f"{file}: has embeddings for {rows} tokens, the tokenizer {words!r} has "
                         f"{len(tokenizer)}; give its own with --words.")
    kosmos = Kosmos.random(replace(sizes(size), kosmos_vocabulary=rows), tokenizer)
    load_strictly(kosmos.model, renamed, str(file))
    return kosmos


def _clip(tensors: dict, size: str, file: Path) -> Clip:
    from policies.clip import Clip
    from policies.legacy import clip_tensors
    from policies.sizes import sizes
    from policies.weights import load_strictly

    clip = Clip.random(sizes(size))
    load_strictly(clip.model, clip_tensors(tensors), str(file))
    return clip


def _write_head(tensors: dict, kosmos: Kosmos, size: str, file: Path, folder: Path) -> str:
    """The head as a checkpoint, or why there is none."""
    from policies.backbone import Backbone
    from policies.legacy import head_tensors
    from policies.simple_lstm import SimpleLstm
    from policies.sizes import sizes
    from policies.weights import load_strictly

    backbone = Backbone(kosmos, None, sizes(size).image_size,
                        {"kosmos2": str(folder / "towers" / "kosmos2")})
    policy = SimpleLstm.untrained(backbone, size)
    try:
        load_strictly(policy.head, head_tensors(tensors, policy.head.state_dict()), str(file))
    except ValueError as error:
        return f"head: not taken over. {error}"
    policy.save_pretrained(folder, f"{file.name}, by whoever made it; features are not scaled",
                           towers=folder / "towers")
    return f"head: taken over as {HEAD_POLICY}, whose features are not the original's"


def main() -> None:
    """The command."""
    options = tyro.cli(Options, prog="python -m policies.adopt")
    try:
        said = adopt(options.file, options.out, options.size, options.words)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    print("\n".join([*said, f"Folder: {options.out}"]))


if __name__ == "__main__":
    main()
