"""Write and check the lock files: every package pinned, hashed and without an address.

``python -m tools.lock write`` resolves pyproject.toml again (this needs `uv`);
``python -m tools.lock check`` proves offline that the lock files belong to pyproject.toml and
tell nobody where they were made. See docs/decisions/0009-hash-locked-bootstrapping.md.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"
GROUPS = {
    "base": (),
    "dev": ("--group", "dev"),
    "mutate": ("--group", "dev", "--group", "mutate"),
}
OPTIONS = (
    *("--universal", "--python-version", "3.11", "--generate-hashes", "--quiet"),
    *("--no-emit-index-url", "--no-header", "--no-annotate"),
)
EDITABLE = "editables>=0.5"  # hatchling asks for it when it installs a folder as it is
ADDRESS = re.compile(r"[a-z+]+://|^\s*-|\s@\s|(?:^|\s)(?:/|file:)", re.IGNORECASE)


def requirements(pyproject: str) -> dict[str, object]:
    """Return the parts of pyproject.toml that a resolution depends on."""
    settings = tomllib.loads(pyproject)
    return {
        "python": settings["project"]["requires-python"],
        "dependencies": settings["project"]["dependencies"],
        "extras": settings["project"].get("optional-dependencies", {}),
        "groups": settings.get("dependency-groups", {}),
        "build": settings["build-system"]["requires"],
    }


def stamp(pyproject: str) -> str:
    """Return the first line of a lock file made from this pyproject.toml."""
    text = json.dumps(requirements(pyproject), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"# Made by `make lock` from the requirements in pyproject.toml, sha256 {digest}"


def addresses(lock: str) -> list[str]:
    """Return the lines of a lock file that name a host, a path or an option of the installer."""
    lines = (line for line in lock.splitlines() if not line.lstrip().startswith("--hash="))
    return [line for line in lines if ADDRESS.search(line)]


def problems(pyproject: str, locks: dict[str, str]) -> list[str]:
    """Return one sentence for each thing that is wrong with the lock files."""
    found = []
    for name, lock in locks.items():
        if lock.splitlines()[:1] != [stamp(pyproject)]:
            found.append(f"{name} does not belong to pyproject.toml; run `make lock`.")
        found += [f"{name} names an address: {line.strip()!r}." for line in addresses(lock)]
    return found


def write() -> None:
    """Resolve the two lock files, the second constrained by the first."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if uv is None:
        raise SystemExit("`make lock` needs uv on the path; `pip install uv` brings it.")
    pyproject = (ROOT / "pyproject.toml").read_text()
    build = "\n".join([*tomllib.loads(pyproject)["build-system"]["requires"], EDITABLE])
    constraints: tuple[str, ...] = ()
    for name, group in GROUPS.items():
        command = [uv, "pip", "compile", "pyproject.toml", "-", *OPTIONS, *group, *constraints]
        lock = subprocess.run(  # noqa: S603 - the arguments are the constants above
            command, input=build, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE
        ).stdout
        (FOLDER / f"{name}.txt").write_text(f"{stamp(pyproject)}\n{lock}")
        constraints = ("--constraints", f"requirements/{name}.txt")


def check() -> None:
    """Exit with every problem of the lock files, or in silence."""
    locks = {path.name: path.read_text() for path in sorted(FOLDER.glob("*.txt"))}
    found = problems((ROOT / "pyproject.toml").read_text(), locks)
    if found or not locks:
        raise SystemExit("\n".join(found) or "There is no lock file; run `make lock`.")


if __name__ == "__main__":
    {"write": write, "check": check}[sys.argv[1]]()
