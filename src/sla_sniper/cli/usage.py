"""What is wrong with a command line, in one line as every other error."""

from __future__ import annotations

import re
import sys
from typing import Any, Final

import typer
from typer.core import TyperGroup

_USAGE: Final = 2
_ABORTED: Final = 1
_WORDS: Final = (
    ("Value error, ", ""),
    (", unable to parse string as an integer", ""),
    ("Input should be a valid integer", "it must be a whole number"),
    ("Input should be ", "it must be "),
    (r"\. Did you mean (.*)\?$", r" (did you mean \1?)"),
)
"""How the parser of options says things, and how we do."""


_UsageError: Final[type[Exception]] = typer.BadParameter.__mro__[1]
"""What Typer raises for any mistake on the command line; it has no public name for it."""


class Commands(TyperGroup):
    """The commands; a mistake on the command line is one line on stderr and exit code 2."""

    def main(self, *words: Any, **extra: Any) -> Any:  # noqa: ANN401 - as Typer has it
        """Run the command line."""
        is_alone = extra.get("standalone_mode", True)
        extra["standalone_mode"] = False
        if not is_alone:
            return super().main(*words, **extra)
        try:
            code = super().main(*words, **extra)
        except _UsageError as error:
            _tell(error)
            sys.exit(_USAGE)
        except typer.Abort:
            typer.echo("error: The command was aborted.", err=True)
            sys.exit(_ABORTED)
        sys.exit(code if isinstance(code, int) else 0)


def _tell(error: Any) -> None:  # noqa: ANN401 - of a class without a public name
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return
    said = " ".join(error.format_message().split()).rstrip(".")
    for old, new in _WORDS:
        said = re.sub(old, new, said)
    path = error.ctx.command_path if error.ctx else "sniper"
    typer.echo(f"error: {said}; `{path} --help` says what there is.", err=True)
