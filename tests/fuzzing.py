"""Mutates real traces and flight logs, and gives them to every command that reads one.

    python tests/fuzzing.py 20000      # so many files; `make fuzz`

Each command must end with a message and exit code 2, or do its work (0; 1 where a comparison
fails): no traceback, no control character, no markup of the file's in a page.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import shutil
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

NUMBERS: tuple[Any, ...] = (
    0, -1, 1, 2**31, 2**63 - 1, 2**63, -(2**70), 10**30, 1e308, float("inf"), float("-inf"),
    float("nan"), 0.5, True, None,
)  # fmt: skip
TEXTS: tuple[Any, ...] = (
    "", "x" * 5_000, "\x1b[31mred\x1b[0m", "<img src=x onerror=alert(1)>", "../../etc/passwd", "caf\udce9",
    "NaN", "Infinity", "12", "nodes", "passes", "\u202e", "\0",
)  # fmt: skip
OTHERS: tuple[Any, ...] = ([], {}, [[]], [None], {"a": {}}, [1, "x"])


def mutate(value: Any, chance: random.Random) -> Any:
    """A document with one to three of its values changed, removed, repeated or exchanged."""
    for _ in range(chance.randint(1, 3)):
        places = list(_places(value))
        if not places:
            return value
        # Deep places are many: the shallow ones are met as often.
        depth = chance.choice(sorted({len(path) for path in places}))
        path = chance.choice([path for path in places if len(path) == depth])
        holder = value
        for key in path[:-1]:
            holder = holder[key]
        _change(holder, path[-1], chance)
    return value


def _places(value: Any, path: tuple[Any, ...] = ()) -> Any:
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        yield (*path, key)
        yield from _places(inner, (*path, key))


def _change(holder: Any, key: Any, chance: random.Random) -> None:
    what = chance.randint(0, 6)
    if what == 0:
        del holder[key]
    elif what == 1:
        holder[key] = chance.choice(NUMBERS)
    elif what == 2:
        holder[key] = chance.choice(TEXTS)
    elif what == 3:
        holder[key] = json.loads(json.dumps(chance.choice(OTHERS)))
    elif what == 4 and isinstance(holder, list):
        holder.append(json.loads(json.dumps(holder[key])))
    elif what == 5 and isinstance(holder, list) and len(holder) > 1:
        other = chance.randrange(len(holder))
        holder[key], holder[other] = holder[other], holder[key]
    elif isinstance(holder, dict) and holder:
        # A copy: the document must not hold itself.
        holder[key] = json.loads(json.dumps(holder[chance.choice(list(holder))]))


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Bytes of a file, one line's document mutated, or the bytes themselves."""
    lines = data.split(b"\n")
    if chance.random() < 0.1:
        at = chance.randrange(len(data))
        return data[:at] + bytes([chance.randrange(256)]) * chance.randint(0, 3) + data[at + 1 :]
    for _ in range(chance.randint(1, 2)):
        number = chance.randrange(len(lines))
        if lines[number].strip():
            document = mutate(json.loads(lines[number]), chance)
            lines[number] = json.dumps(document).encode()
    return b"\n".join(lines)


def commands(file: Path, other: Path, folder: Path) -> list[list[str]]:
    """Every way to read a file."""
    name, second = str(file), str(other)
    return [
        ["show", name], ["show", name, "--unfold"], ["show", name, "--json"],
        ["show", name, "--diff"], ["html", name, "-o", str(folder / "o.html")], ["walk", name],
        ["walk", name, "--operators", "--telemetry"], ["walk", name, "--follow", "linear"],
        ["diff", name, second], ["diff", second, name, "--json"], ["growth", name, second, name],
        ["diff", name, second, "--html", str(folder / "d.html")],
        ["growth", name, second, name, "--html", str(folder / "g.html")],
        ["origins", name], ["origins", name, "--json"], ["origins", name, "--largest", "3"],
        ["convert", name, "--to", "perfetto", "-o", str(folder / "p.json")],
        ["convert", name, "--to", "speedscope", "-o", str(folder / "s.json")],
        ["send", name, "--otlp", "http://127.0.0.1:9", "--timeout", "0.01"],
    ]  # fmt: skip


def problem(arguments: list[str]) -> str:
    """What is wrong with how a command ended; empty when nothing is."""
    from onnxspan.cli import main

    out, err = io.StringIO(), io.StringIO()
    code: Any = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main(arguments, standalone_mode=True)
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # what the user would see as a traceback
        return traceback.format_exc(limit=-4)
    text = out.getvalue() + err.getvalue()
    bad = [character for character in text if ord(character) < 32 and character not in "\n\t"]
    if bad and arguments[0] != "html":
        return f"control characters {bad[:3]!r}"
    if code not in (0, 1, 2, None):
        return f"exit code {code}"
    if code == 2 and "onnxspan:" not in text and "Usage:" not in text:
        return f"exit code 2 without a message: {text[:200]}"
    return ""


def fuzz(bases: list[Path], folder: Path, count: int, seed: int) -> dict[str, tuple[str, Path]]:
    """Mutate and read so many files; the problems, each once, with the command and a file."""
    chance = random.Random(seed)  # noqa: S311  # chosen for tests
    found: dict[str, tuple[str, Path]] = {}
    for number in range(count):
        base = chance.choice(bases)
        file = folder / f"fuzzed{base.suffix}"
        file.write_bytes(mutated(base.read_bytes(), chance))
        _snapshots(base, file, chance)
        chosen = chance.sample(commands(file, chance.choice(bases), folder), 3)
        for arguments in chosen:
            wrong = problem(arguments)
            key = " ".join(wrong.strip().splitlines()[-4:])[:300]
            if wrong and key not in found:
                kept = folder / f"kept-{number}{base.suffix}"
                shutil.copy(file, kept)
                found[key] = (f"{' '.join(arguments)}\n{wrong}", kept)
    return found


def _snapshots(base: Path, file: Path, chance: random.Random) -> None:
    """Put the snapshots of a base beside a file, every second time with damaged ones."""
    source, place = base.with_suffix(".snapshots"), file.with_suffix(".snapshots")
    shutil.rmtree(place, ignore_errors=True)
    if not source.exists():
        return
    shutil.copytree(source, place)
    if chance.random() < 0.5:
        return
    for kept in chance.sample(sorted(place.iterdir()), 2):
        data = kept.read_bytes()
        what = chance.randint(0, 3)
        if what == 0:
            kept.unlink()
        elif what == 1 or not data:
            kept.write_bytes(bytes(chance.randrange(256) for _ in range(200)))
        elif kept.suffix == ".json":
            kept.write_text(json.dumps(mutate(json.loads(data), chance)))
        else:
            at = chance.randrange(len(data))
            kept.write_bytes(data[:at] + b" \x1b[31m<img>" + data[at + chance.randint(0, 50) :])


def bases(folder: Path) -> list[Path]:
    """Real files: an export by each exporter, failed ones, snapshots, verification, a flight log."""
    import torch

    import onnxspan
    from onnxspan.reading.source.trace import Trace

    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.GELU()).eval()
    fails = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.AdaptiveMaxPool1d(2)).eval()
    made = []
    for name, one, options in (
        ("plain", model, {}),
        ("nodes", model, {"level": "nodes"}),
        ("snapshots", model, {"snapshots": "changed"}),
        ("failed", fails, {"level": "nodes"}),
    ):
        for exporter in (False, True) if name != "failed" else (False,):
            path = folder / f"{name}-{exporter}.jsonl"
            with onnxspan.trace(**options, save=path):
                with contextlib.suppress(Exception):
                    torch.onnx.export(one, (torch.zeros(1, 3),), io.BytesIO(), dynamo=exporter)
                if name == "nodes":
                    log = folder / f"{name}-{exporter}.flight"
                    shutil.copy(f"{path}.flight", log)
                    made.append(log)
            Trace.read(path)
            made.append(path)
    return made


_PART = 500
"""Files after which it is said how far it is; each part has its own seed."""


def run(count: int) -> int:
    """Fuzz so many files in a fresh folder, and print what was found."""
    import tempfile

    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        originals = folder / "bases"
        originals.mkdir()
        with contextlib.redirect_stdout(io.StringIO()):
            files = bases(originals)
        found: dict[str, tuple[str, Path]] = {}
        for first in range(0, count, _PART):
            part = fuzz(files, folder, min(_PART, count - first), seed=count + first)
            for key, (text, file) in part.items():
                if key not in found:
                    data = file.read_bytes()[:400]
                    print(f"{text}\n  {file.name}: {data!r}\n", flush=True)  # its report
            found |= part
            print(f"{min(first + _PART, count)} files, {len(found)} problems", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000))
