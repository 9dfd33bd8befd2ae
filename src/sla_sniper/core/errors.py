"""What a user can cause and repair, as one small tree.

::

    SlaSniperError
    |-- InputError            a file that is not what it should be
    |   |-- UnreadableFileError   corrupt, truncated or of another format
    |   |-- EmptyFileError        nothing in it
    |   |-- MissingColumnError    the mapping names a column the file has not
    |   `-- BadValueError         a value that cannot be read (row and column named)
    |-- ConfigurationError    sla.toml, map.toml or sniper.toml say something impossible
    |-- WorkspaceError        the folder is missing, of another kind, full or in use
    |   |-- WorkspaceBusyError
    |   `-- DiskFullError
    `-- NotEnoughHistoryError a log too short or too small for an honest answer

`exit_code` is part of the contract: one code a class, documented in
``docs/reference/exit-codes.md``, never reused.
"""

from __future__ import annotations

from typing import ClassVar


class SlaSniperError(Exception):
    """Base of everything a user can repair; its text is one sentence.

    Examples
    --------
    >>> str(EmptyFileError("log.csv"))
    'log.csv has no rows; export it again, or name another file.'
    """

    exit_code: ClassVar[int] = 1


class InputError(SlaSniperError):
    """A file is not what the mapping says it is."""

    exit_code: ClassVar[int] = 10


class UnreadableFileError(InputError):
    """A file that is missing, corrupt, truncated or of another format."""

    exit_code: ClassVar[int] = 11

    def __init__(self, path: str, reason: str, remedy: str) -> None:
        super().__init__(path, reason, remedy)
        self.path, self.reason, self.remedy = path, reason, remedy

    def __str__(self) -> str:
        return f"{self.path} cannot be read: {self.reason}; {self.remedy}."


class EmptyFileError(InputError):
    """A file without a single row."""

    exit_code: ClassVar[int] = 12

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path} has no rows; export it again, or name another file."


class MissingColumnError(InputError):
    """The mapping names a column that the file does not have."""

    exit_code: ClassVar[int] = 13

    def __init__(self, path: str, missing: tuple[str, ...], known: tuple[str, ...]) -> None:
        super().__init__(path, missing, known)
        self.path, self.missing, self.known = path, missing, known

    def __str__(self) -> str:
        names = ", ".join(repr(name) for name in self.missing)
        return (
            f"{self.path} has no column {names}; it has {', '.join(self.known)}. "
            "Correct [columns] in the mapping."
        )


class BadValueError(InputError):
    """Values that cannot be read, the first of them with row and column."""

    exit_code: ClassVar[int] = 14

    def __init__(self, path: str, row: int, column: str, value: str, remedy: str) -> None:
        super().__init__(path, row, column, value, remedy)
        self.path, self.row, self.column = path, row, column
        self.value, self.remedy = value, remedy

    def __str__(self) -> str:
        return (
            f"{self.path}, row {self.row}, column {self.column!r}: "
            f"{self.value!r} cannot be read; {self.remedy}."
        )


class ConfigurationError(SlaSniperError):
    """A configuration file says something impossible; all its problems at once."""

    exit_code: ClassVar[int] = 20

    def __init__(self, path: str, problems: tuple[str, ...]) -> None:
        super().__init__(path, problems)
        self.path, self.problems = path, problems

    def __str__(self) -> str:
        return f"{self.path}: " + "; ".join(self.problems).rstrip(".") + "."


class WorkspaceError(SlaSniperError):
    """The workspace is missing, of another kind or incomplete."""

    exit_code: ClassVar[int] = 30


class WorkspaceBusyError(WorkspaceError):
    """Another process is writing to this workspace."""

    exit_code: ClassVar[int] = 31

    def __init__(self, folder: str, holder: str) -> None:
        super().__init__(folder, holder)
        self.folder, self.holder = folder, holder

    def __str__(self) -> str:
        return (
            f"The workspace {self.folder} is in use by {self.holder}; "
            "wait until it has finished, nothing was changed."
        )


class DiskFullError(WorkspaceError):
    """There is no room to write; what was there before is untouched."""

    exit_code: ClassVar[int] = 32

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.folder = folder

    def __str__(self) -> str:
        return (
            f"No space left to write in {self.folder}; free some and repeat the command, "
            "nothing was changed."
        )


class NotEnoughHistoryError(SlaSniperError):
    """A log too short, or with too few tickets, for an honest answer."""

    exit_code: ClassVar[int] = 40
