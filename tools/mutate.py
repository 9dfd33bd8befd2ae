"""Change the clock's code in small ways and see whether its tests notice.

``python -m tools.mutate [PATTERN...]`` works on a copy of what git knows, so that the checkout
stays as it is. PATTERN names modules of ``src/sla_sniper/sla``, such as ``account.py``; without one
all are changed, which takes hours. It prints how many changes were noticed, and each that was not.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PACKAGE: Final = "src/sla_sniper/sla"
TESTS: Final = (
    "tests/unit/test_calendar.py",
    "tests/unit/test_calendar_kernel.py",
    "tests/unit/test_calendar_special.py",
    "tests/unit/test_clock.py",
    "tests/unit/test_comparison.py",
    "tests/unit/test_config_calendars.py",
    "tests/unit/test_config_hours.py",
    "tests/unit/test_config_policies.py",
    "tests/unit/test_explain.py",
    "tests/unit/test_inference.py",
    "tests/unit/test_inference_evidence.py",
    "tests/unit/test_inference_threshold.py",
    "tests/unit/test_merges.py",
    "tests/unit/test_policy.py",
    "tests/unit/test_policy_test.py",
    "tests/unit/test_reconcile.py",
    "tests/unit/test_reconcile_parts.py",
    "tests/unit/test_targets.py",
    "tests/unit/test_warnings.py",
    "tests/unit/test_whatif.py",
    "tests/unit/test_worked_examples.py",
    "tests/spec/test_clock_rulings.py",
    "tests/spec/test_conformance.py",
    "tests/spec/test_explain_stories.py",
    "tests/spec/test_inference_stories.py",
    "tests/spec/test_reconcile_stories.py",
)
"""The quick tests of `sla`: laws and whole commands are too slow to run for each change."""
# Every change starts from a process that has collected the tests and run none: Polars starts
# threads with its first frame, and they do not survive a fork.
SETTINGS: Final = """
[tool.mutmut]
source_paths = ["{package}/"]
only_mutate = [{only}]
pytest_add_cli_args_test_selection = [{tests}]
pytest_add_cli_args = [
  "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning",
  "--deselect", "tests/unit/test_calendar_kernel.py::test_compiling_is_done_once",
]
also_copy = ["src/sla_sniper", "tests", "tools", "README.md"]
process_isolation = "forkserver"
forkserver_warmup = "collect"
"""
LEAST: Final = 0.95
MOST_TIMEOUTS: Final = 0.05
"""A larger share says that the tests did not run, not that they noticed anything."""
CACHED: Final = re.compile(r"^@(?:lru_)?cache\b.*\n", re.MULTILINE)
"""mutmut leaves decorated functions alone, and what a cache remembers no changed code computes."""


def prepare(folder: Path, patterns: list[str]) -> None:
    """Copy what git knows into a folder, with the settings of mutmut."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - whichever git made the checkout
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
        if any(fnmatch(name, f"{PACKAGE}/{pattern}") for pattern in patterns or ["*.py"]):
            target.write_text(CACHED.sub("", target.read_text(encoding="utf-8")), encoding="utf-8")
    vectors = ROOT.parent / "shared"
    if vectors.is_dir():
        (folder / "shared").symlink_to(vectors)
    only = ", ".join(f'"{PACKAGE}/{pattern}"' for pattern in patterns or ["*.py"])
    tests = ", ".join(f'"{name}"' for name in TESTS)
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(SETTINGS.format(package=PACKAGE, only=only, tests=tests))


def main() -> None:
    """Run mutmut on a copy, and say what the tests did not notice."""
    mutmut = str(Path(sys.executable).parent / "mutmut")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, sys.argv[1:])
        subprocess.run([mutmut, "run", "--max-children", "2"], cwd=folder, check=True)  # noqa: S603
        told = subprocess.run(  # noqa: S603
            [mutmut, "results", "--all", "true"],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        found = re.findall(r"^\s*(\S+): (\w[\w ]*)$", told, re.MULTILINE)
        missed = [mutant for mutant, result in found if result in {"survived", "no tests"}]
        for mutant in missed:
            shown = subprocess.run(  # noqa: S603
                [mutmut, "show", mutant], cwd=folder, check=False, capture_output=True, text=True
            )
            sys.stdout.write(f"{shown.stdout}\n")
    counts = Counter(result for _, result in found)
    share = (counts["killed"] + counts["timeout"]) / max(len(found), 1)
    told = ", ".join(f"{n} {result}" for result, n in counts.most_common())
    sys.stdout.write(f"{share:.1%} of {len(found)} noticed: {told}\n")
    raise SystemExit(share < LEAST or counts["timeout"] > MOST_TIMEOUTS * len(found))


if __name__ == "__main__":
    main()
