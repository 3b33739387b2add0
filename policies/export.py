"""A whole decision as one ONNX file: `python -m policies.export --policy hybrid --out step.onnx`.

Pictures, the words' share and the LSTM's state go in; commands and the next state come out
(`policies.step`). What is written is run by ONNX Runtime beside torch before it counts as written.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tyro

if TYPE_CHECKING:
    import torch

    from policies.stepped import Stepped

GIVEN = ("pixels", "words", "hidden", "cell", "frames")
FOUND = ("commands", "next_hidden", "next_cell", "next_frames")
SIDES = ("left", "right")
FRAMES = 10  # that are compared: the window moves on within them
MOST_APART = 1e-4  # command units, in 32 bits
MOST_APART_16 = 0.05
BAD_INPUT = 2


@dataclass(frozen=True)
class Options:
    """Write a policy's whole decision as ONNX, and compare ONNX Runtime's answers with torch's.

    Beside FILE.onnx stands FILE.json with what goes in and comes out, and the words' share for
    each instruction, so that a robot needs no text towers.
    """

    out: Path
    """The file; large weights are put beside it."""
    policy: str = "hybrid"
    """hybrid, kosmos_lstm or a variant of them."""
    size: Literal["mini", "full"] | None = None
    """Of its towers and head."""
    checkpoint: str | None = None
    """Folder with the weights; the shipped ones where not given."""
    random_weights: bool = False
    """Load none: for measurements."""
    dtype: Literal["fp32", "fp16", "bf16"] = "fp32"
    """Of towers and head; a builder of engines may go below by itself."""
    batch: int = 1
    """Robots that are decided for at once."""
    instruction: tuple[str, ...] = ()
    """Whose words' shares are written; left and right where not given."""


def export(options: Options) -> dict[str, Any]:
    """Write the files and return what FILE.json says.

    Raises:
        ValueError: for a policy that does not go step by step, a folder that is not there, where
            onnx is not installed, or if ONNX Runtime answers otherwise than torch.
    """
    if options.batch < 1 or not options.out.parent.is_dir() or options.out.suffix != ".onnx":
        raise ValueError(f"--batch must be 1 or more and --out a FILE.onnx in a folder that is "
                         f"there, got {options.batch} and {options.out}.")
    import torch

    from policies.learned import INSTRUCTION_TEMPLATE
    from policies.stepped import Stepped

    policy = Stepped(options.policy, size=options.size, checkpoint=options.checkpoint,
                     random_weights=options.random_weights, dtype=options.dtype)
    told = options.instruction or tuple(INSTRUCTION_TEMPLATE.format(side=side) for side in SIDES)
    words = {text: policy.begin(text, 0).words for text in told}
    given = example(policy, words[told[0]], options.batch, seed=0)
    _runtime()
    with torch.no_grad():
        torch.onnx.export(policy.step, given, str(options.out), dynamo=True, verbose=False,
                          input_names=list(GIVEN), output_names=list(FOUND))
    apart = compared(policy, options.out, words[told[0]], options.batch)
    most = MOST_APART if options.dtype == "fp32" else MOST_APART_16
    if not apart <= most:
        raise ValueError(f"{options.out}: ONNX Runtime's commands are {apart:.3g} from torch's, "
                         f"expected at most {most:g}; do not use this file.")
    about = {
        "policy": policy.counted_as, "weights": policy.spec.weights, "dtype": options.dtype,
        "weights_hash": policy.spec.weights_hash, "size": policy.spec.size, "most_apart": apart,
        "inputs": {name: [str(each.dtype), list(each.shape)] for name, each in zip(GIVEN, given)},
        "outputs": list(FOUND), "commands": "linear_x, linear_y in command units (+-1.15)",
        "begin": "hidden, cell and frames are zeros; what comes out goes in with the next frame",
        "pixels": "policies.pixels: squeezed to the picture, RGB, CLIP's mean and deviation",
        "words": {text: share[0].tolist() for text, share in words.items()}}
    options.out.with_suffix(".json").write_text(json.dumps(about) + "\n", encoding="utf-8")
    return about


def example(policy: Stepped, words: torch.Tensor, batch: int,
            seed: int) -> tuple[torch.Tensor, ...]:
    """What a step takes before the first frame."""
    import torch

    size = policy.spec.image_size
    pixels = torch.randn(batch, 3, *size, generator=torch.Generator().manual_seed(seed))
    return pixels, words.expand(batch, -1).contiguous(), *policy.step.begin(batch)


def compared(policy: Stepped, file: Path, words: torch.Tensor, batch: int) -> float:
    """How far the file's commands are from torch's at most, each keeping its own state."""
    import torch

    session = _runtime().InferenceSession(str(file), providers=["CPUExecutionProvider"])
    taken = [each.name for each in session.get_inputs()]  # a head without words takes none
    ours = list(example(policy, words, batch, 0)[2:])
    theirs = [each.numpy() for each in ours]
    apart = 0.0
    for seed in range(FRAMES):
        pixels, share = example(policy, words, batch, seed)[:2]
        with torch.no_grad():
            command, *ours = policy.step(pixels, share, *ours)
        named = dict(zip(GIVEN, (pixels.numpy(), share.numpy(), *theirs)))
        answer, *theirs = session.run(None, {name: named[name] for name in taken})
        apart = max(apart, float((torch.from_numpy(answer) - command).abs().max()))
    return apart


def _runtime() -> Any:
    try:
        import onnxruntime
        import onnxscript  # noqa: F401 (torch writes ONNX by it)
    except ModuleNotFoundError as error:
        raise ValueError(f"ONNX needs {error.name}: pip install 'mobile-vla-bench[onnx]'."
                         ) from error
    return onnxruntime


def main() -> None:
    """The command."""
    options = tyro.cli(Options, prog="python -m policies.export")
    try:
        about = export(options)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    print(f"{options.out}: {about['policy']}, {about['dtype']}, weights {about['weights']}; ONNX "
          f"Runtime's commands are within {about['most_apart']:.2g} of torch's over {FRAMES} "
          f"frames.")


if __name__ == "__main__":
    main()
