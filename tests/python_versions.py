"""Run a short part of the tests on other Pythons, each in an environment of its own.

    python tests/python_versions.py 3.10          make `.venv-python-3.10` if needed, and test
    python tests/python_versions.py oldest newest the ends of the supported range that are here

`oldest` is the oldest Python that pyproject.toml allows. `newest` is the newest Python on this
machine that torch's packages support. An interpreter that is missing is an error for a named
version; for `oldest` and `newest` it is said, and the others run. Needs the standard library
alone. Fails when a test failed, or when no Python could be run.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST = (3, 10)
NEWEST = (3, 14)
"""The newest Python that the development torch has packages for."""

PARTS = (
    # What differs between Pythons: imports, the reading half, frames, signals and warnings.
    "tests/reading",
    "tests/test_tracing.py",
    "tests/recording/test_exactness.py",
    "tests/recording/test_interrupts.py",
    "tests/recording/dynamo/test_dynamo_exactness.py",
)


def interpreter(version: str) -> Path | None:
    """The executable of a Python version such as `3.10`, from PATH or from pyenv; None without."""
    on_path = [Path(folder, f"python{version}") for folder in os.get_exec_path()]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for candidate in [*on_path, *sorted(pyenv.glob(f"{version}.*/bin/python{version}"))]:
        if not candidate.exists():
            continue
        # pyenv puts commands on PATH that only say that their version is not chosen.
        asked = [candidate, "-c", "import sys, venv; print(*sys.version_info[:2], sep='.')"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() == version:
            return candidate
    return None


def versions(asked: str) -> list[str]:
    """The versions that a word means, in the order in which they are tried."""
    if asked == "oldest":
        return [".".join(map(str, OLDEST))]
    if asked == "newest":
        return [f"3.{minor}" for minor in range(NEWEST[1], OLDEST[1], -1)]
    return [asked]


def make(version: str, python: Path) -> Path:
    """Make the environment with the development torch and the tools of the tests; its Python."""
    folder = ROOT / f".venv-python-{version}"
    made = folder / ".installed"
    inside = folder / "bin" / "python"
    if not made.exists():
        subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
        pip = [inside, "-m", "pip", "install", "--quiet", "--no-cache-dir"]
        subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True)
        constraints = ["--constraint", ROOT / "constraints.txt"]
        subprocess.run(
            [*pip, *constraints, "--editable", ROOT, "--group", "test"], check=True, cwd=ROOT
        )
        made.touch()
    return inside


def main() -> None:
    """Find, make, test."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("python", nargs="+", help="a version, as 3.10, or oldest or newest")
    parser.add_argument("--remove", action="store_true", help="remove the environment afterwards")
    options = parser.parse_args()
    os.environ.pop("PYTHONPATH", None)
    failed, ran = [], []
    for asked in options.python:
        found = [(version, interpreter(version)) for version in versions(asked)]
        version, python = next((pair for pair in found if pair[1]), (asked, None))
        if python is None:
            print(f"Python {asked} is not on this machine: not run", file=sys.stderr)
            failed += [] if asked in {"oldest", "newest"} else [asked]
            continue
        inside = make(version, python)
        done = subprocess.run(
            [inside, "-m", "pytest", "-q", "-n", "2", *PARTS], cwd=ROOT, check=False
        )
        ran.append(version)
        failed += [version] if done.returncode else []
        if options.remove:
            shutil.rmtree(ROOT / f".venv-python-{version}")
    print(f"Python {', '.join(ran) or 'none'} run; failed: {', '.join(failed) or 'none'}")
    sys.exit(1 if failed or not ran else 0)


if __name__ == "__main__":
    main()
