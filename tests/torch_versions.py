"""Run the tests on another torch, in an environment of its own: `make test-torch TORCH=2.6.0`.

    python tests/torch_versions.py 2.6.0           make `.venv-torch-2.6.0` if needed, and test
    python tests/torch_versions.py 2.6.0 --again   test in the environment that is there
    python tests/torch_versions.py 2.6.0 --remove  and remove the environment afterwards
    python tests/torch_versions.py newest          the newest that the package index has

Writes docs/reference/compatibility/<version>.json, of which docs/tools/compatibility.py makes
the page. Needs the standard library alone. Fails when a test failed or no result came.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import tomllib

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "reference" / "compatibility"
CHOSEN = {"torch", "onnx", "onnxscript", "onnxruntime", "numpy"}
"""What each torch has its own versions of, or goes without."""
ELSEWHERE = {"playwright"}
"""Pages in a browser are the same whatever torch made the trace."""

COMPANIONS: tuple[tuple[tuple[int, int], tuple[str, ...]], ...] = (
    # From this torch on, the packages of its own time; the last row that fits is taken.
    # Before 2.3 torch's binaries know NumPy 1 alone. Before 2.5 no exporter that is traced
    # needs onnxscript. onnxscript up to 0.2 writes booleans where protobuf 6 takes integers
    # alone, and onnxscript 0.5 knows the passes of the onnx-ir of its days.
    ((2, 1), ("numpy<2", "onnx==1.16.2", "protobuf<6")),
    ((2, 3), ("numpy<2", "onnx==1.16.2", "protobuf<6")),
    ((2, 5), ("numpy", "onnx==1.17.0", "onnxscript==0.1.0", "protobuf<6", "onnxruntime")),
    ((2, 6), ("numpy", "onnx==1.17.0", "onnxscript==0.2.2", "protobuf<6", "onnxruntime")),
    ((2, 7), ("numpy", "onnx==1.18.0", "onnxscript==0.3.2", "onnx-ir<0.1.5", "onnxruntime")),
    ((2, 8), ("numpy", "onnx==1.19.1", "onnxscript==0.4.0", "onnx-ir==0.1.9", "onnxruntime")),
    ((2, 9), ("numpy", "onnx==1.19.1", "onnxscript==0.5.4", "onnx-ir==0.1.12", "onnxruntime")),
    ((2, 11), ("numpy", "onnx==1.20.1", "onnxscript==0.6.2", "onnx-ir<0.3", "onnxruntime")),
    ((2, 13), ("numpy", "onnx", "onnxscript==0.7.2", "onnxruntime")),
)


def companions(torch: str) -> tuple[str, ...]:
    """The packages that go with a version of torch.

    Raises:
        SystemExit: when the version is older than the oldest that is supported.
    """
    major, minor = (int(part) for part in torch.split(".")[:2])
    fitting = [packages for since, packages in COMPANIONS if since <= (major, minor)]
    if not fitting:
        sys.exit(f"torch {torch} is not supported: the oldest is {COMPANIONS[0][0]}")
    return fitting[-1]


def tools() -> list[str]:
    """The rest of pyproject.toml's group `test`; what it includes is torch and its companions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = [line for line in project["dependency-groups"]["test"] if isinstance(line, str)]
    names = {line: re.split(r"[^\w-]", line)[0] for line in listed}
    return [line for line, name in names.items() if name not in CHOSEN | ELSEWHERE]


def make(folder: Path, torch: str) -> None:
    """Make the environment: torch, its companions, the test tools and onnxspan from here."""
    made = folder / ".installed"
    if made.exists():
        return
    venv.create(folder, with_pip=True, clear=True)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-cache-dir"]
    _run([*pip, "--upgrade", "pip>=25.1"])  # older ones find no way through these packages
    _run([*pip, f"torch=={torch}", *companions(torch), *tools(), "--editable", ROOT])
    made.touch()


def newest() -> str:
    """The newest released torch on the package index.

    Raises:
        SystemExit: when the index does not answer.
    """
    asked = [sys.executable, "-m", "pip", "index", "versions", "torch"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)  # our own
    found = re.match(r"torch \((\d+\.\d+\.\d+)\)", done.stdout)
    if found is None:
        sys.exit(f"the package index did not name the newest torch: {done.stderr.strip()}")
    return found[1]


def test(folder: Path, arguments: list[str]) -> dict[str, Any]:
    """Run the suite there; what became of each test, counted, and the reasons of skips."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.xml")
        command = [folder / "bin" / "python", "-m", "pytest", "-q", f"--junitxml={report}"]
        subprocess.run([*command, *arguments], cwd=ROOT, check=False)  # our own
        if not report.exists():
            sys.exit("pytest wrote no report: see above")
        return count(ET.parse(report).getroot())  # noqa: S314  # written just now, by pytest


def count(report: ET.Element) -> dict[str, Any]:
    """Passed, failed and skipped tests of a JUnit report; which failed, and why some skipped."""
    counted: dict[str, Any] = {"passed": 0, "failed": 0, "skipped": 0}
    failures: list[str] = []
    reasons: dict[str, int] = {}
    for case in report.iter("testcase"):
        name = f"{case.get('classname', '')}.{case.get('name', '')}".removeprefix("tests.")
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            counted["failed"] += 1
            failures.append(name)
        elif skipped is not None:
            counted["skipped"] += 1
            reason = (skipped.get("message") or "").strip()
            if reason == "collection skipped":  # a whole file: a tuple of path, line, reason
                reason = (skipped.text or "").strip()
            reason = re.sub(r"(?s)^.*Skipped: (.*?)['\")]*$", r"\1", reason)
            reasons[reason] = reasons.get(reason, 0) + 1
        else:
            counted["passed"] += 1
    return counted | {"failures": sorted(failures), "skips": dict(sorted(reasons.items()))}


def look(folder: Path) -> dict[str, Any]:
    """Export one model there with each exporter: versions, spans, rows without a place."""
    script = Path(__file__).with_name("torch_spans.py")
    done = subprocess.run(  # our own
        [folder / "bin" / "python", script],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _run(command: list[Any]) -> None:
    subprocess.run(command, check=True)  # our own


def main() -> None:
    """Make, test, look, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("torch", help="a version of torch, as 2.6.0, or newest")
    parser.add_argument("--remove", action="store_true", help="remove the environment afterwards")
    parser.add_argument("--again", action="store_true", help="use the environment as it is")
    parser.add_argument("--only-make", action="store_true", help="make the environment, no more")
    parser.add_argument("--pytest", default="", help="arguments for pytest, as one text")
    options = parser.parse_args()
    if options.torch == "newest":
        options.torch = newest()
    if not re.fullmatch(r"\d+\.\d+\.\d+", options.torch):
        sys.exit(f"not a version of torch: {options.torch!r}; write it as 2.6.0")
    folder = ROOT / f".venv-torch-{options.torch}"
    os.environ.pop("PYTHONPATH", None)
    if not options.again:
        make(folder, options.torch)
    if options.only_make:
        return
    result = look(folder) | {"tests": test(folder, options.pytest.split())}
    RESULTS.mkdir(parents=True, exist_ok=True)
    if not set(options.pytest.split()) - {"-n", "2"}:  # a part of the tests is no result
        path = RESULTS / f"{options.torch}.json"
        scratch = path.with_suffix(".new")
        scratch.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        scratch.replace(path)
    if options.remove:
        shutil.rmtree(folder)
    tests = result["tests"]
    counts = ", ".join(f"{tests[what]} {what}" for what in ("passed", "failed", "skipped"))
    print(f"torch {options.torch}: {counts}")
    sys.exit(1 if tests["failed"] else 0)


if __name__ == "__main__":
    main()
