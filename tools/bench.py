"""Measure whole commands and the heavy parts against the limits they promise.

``python -m tools.bench`` runs each command several times, prints the medians and exits with 1 where
one passes its limit. It is no test: the time of a busy machine proves nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

SNIPER = Path(sys.executable).parent / "sniper"
RUNS = 3
MIB_PER_KIB = 1 / 1024  # Linux counts the resident set in KiB


@dataclass(frozen=True, slots=True)
class Limit:
    """What one command may take: `seconds` of wall time and `mib` of resident memory."""

    command: tuple[str, ...]
    seconds: float
    mib: float


def limits(workspace: str) -> tuple[Limit, ...]:
    """Return the commands to measure, in order; the later ones need the first."""
    return (
        Limit(("demo", workspace, "--no-serve"), seconds=60, mib=2048),
        Limit(("queue", "--workspace", workspace, "--json"), seconds=3, mib=2048),
        Limit(("diagnose", "--workspace", workspace, "--json"), seconds=10, mib=2048),
        Limit(
            ("report", "--format", "pptx", "--workspace", workspace, "--json"),
            seconds=15,
            mib=2048,
        ),
        Limit(
            ("whatif", f"{workspace}/other.toml", "--workspace", workspace, "--json"),
            seconds=2,
            mib=2048,
        ),
    )


def prepare(command: str, workspace: Path) -> None:
    """Write the policy that `whatif` compares with: every hour of a target becomes two."""
    if command == "whatif":
        told = (workspace / "sla.toml").read_text(encoding="utf-8")
        other = re.sub(r'"(\d+)h"', lambda found: f'"{2 * int(found[1])}h"', told)
        (workspace / "other.toml").write_text(other, encoding="utf-8")


def measure(command: tuple[str, ...]) -> tuple[int, float, float]:
    """Return the exit code, the seconds and the MiB of the largest process of one command."""
    started = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - the commands are the constants above
        [SNIPER, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, time.perf_counter() - started, usage.ru_maxrss * MIB_PER_KIB


def measured(part: str, *words: str) -> bool:
    """Run another part of the measurements; whether it kept its limits."""
    sys.stdout.write("\n")
    sys.stdout.flush()
    command = [sys.executable, "-m", part, *words]
    return subprocess.run(command, check=False).returncode == 0  # noqa: S603


def main() -> None:
    """Measure everything and print a Markdown table."""
    passed = True
    sys.stdout.write("| command | seconds | limit | MiB | limit |\n|---|---|---|---|---|\n")
    with tempfile.TemporaryDirectory() as folder:
        for limit in limits(str(Path(folder) / "demo")):
            prepare(limit.command[0], Path(folder) / "demo")
            codes, times, sizes = zip(*(measure(limit.command) for _ in range(RUNS)), strict=True)
            code, seconds, mib = max(codes), median(times), median(sizes)
            passed &= code == 0 and seconds < limit.seconds and mib < limit.mib
            name = f"sniper {limit.command[0]}" + (f" (exit code {code})" if code else "")
            figures = f"{seconds:.1f} | {limit.seconds:g} | {mib:.0f} | {limit.mib:g}"
            sys.stdout.write(f"| `{name}` | {figures} |\n")
            sys.stdout.flush()
        for part in ("tools.bench_rank", "tools.bench_model"):
            passed &= measured(part, str(Path(folder) / "demo"))
    for part in ("tools.bench_calendar", "tools.bench_clock", "tools.bench_diagnose"):
        passed &= measured(part)
    raise SystemExit(not passed)


if __name__ == "__main__":
    main()
