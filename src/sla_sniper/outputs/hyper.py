"""Tables as Tableau extracts, written straight from Parquet by Tableau's own engine."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, Final

import polars as pl

from sla_sniper.core.errors import SlaSniperError
from sla_sniper.outputs.texts import cleaned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

SCHEMA: Final = "Extract"
TABLE: Final = "Extract"
"""A table must be `Extract` in the schema `Extract` for Tableau Server to take it."""


class TableauMissingError(SlaSniperError):
    """The package that writes Tableau's extracts is not installed."""

    exit_code: ClassVar[int] = 39

    def __str__(self) -> str:
        return (
            "Tableau's extracts need the package tableauhyperapi: "
            "run `pip install 'sla-sniper[tableau]'`."
        )


def require_hyper() -> ModuleType:
    """Return Tableau's Hyper API.

    Raises
    ------
    TableauMissingError
        If it is not installed.
    """
    try:
        import tableauhyperapi  # noqa: PLC0415 - an extra, and slow
    except ImportError as error:
        raise TableauMissingError from error
    return tableauhyperapi  # type: ignore[no-any-return]


def write_extracts(tables: Mapping[Path, pl.DataFrame]) -> None:
    """Write each table into a `.hyper` file of its own, replacing it.

    Instants become timestamps without a zone, in UTC; texts are `cleaned`. Nothing is logged,
    nothing is sent to anybody.

    Parameters
    ----------
    tables : mapping of Path to DataFrame
        By the file to write.

    Raises
    ------
    TableauMissingError
        If the Hyper API is not installed.
    OSError
        If the files cannot be written.
    """
    api = require_hyper()
    with TemporaryDirectory() as scratch, _told_by_the_system(api), _engine(api) as hyper:
        for number, (path, frame) in enumerate(tables.items()):
            source = Path(scratch) / f"{number}.parquet"
            flat(frame).write_parquet(source, compression="snappy")
            _copy(api, hyper, source, path)


def flat(frame: pl.DataFrame) -> pl.DataFrame:
    """A table as an extract has it: instants without their zone, which is UTC; NaN is null."""
    return cleaned(frame).with_columns(
        pl.col(pl.Datetime).dt.replace_time_zone(None), pl.col(pl.Float64).fill_nan(None)
    )


@contextmanager
def _engine(api: ModuleType) -> Iterator[Any]:
    """Run Tableau's engine, silent and without a log."""
    with api.HyperProcess(
        telemetry=api.Telemetry.DO_NOT_SEND_USAGE_DATA_TO_TABLEAU,
        parameters={"log_config": ""},
    ) as hyper:
        yield hyper.endpoint


def _copy(api: ModuleType, endpoint: Any, source: Path, path: Path) -> None:  # noqa: ANN401
    mode = api.CreateMode.CREATE_AND_REPLACE
    table = api.TableName(SCHEMA, TABLE)
    with api.Connection(endpoint, path, mode) as connection:
        connection.catalog.create_schema(SCHEMA)
        file = api.escape_string_literal(str(source))
        connection.execute_command(
            f"CREATE TABLE {table} AS (SELECT * FROM external({file}))"  # noqa: S608
        )


@contextmanager
def _told_by_the_system(api: ModuleType) -> Iterator[None]:
    """Turn the engine's own error into the system's: what it does here is to write files."""
    try:
        yield
    except api.HyperException as error:
        raise OSError(" ".join(str(error).split())) from error
