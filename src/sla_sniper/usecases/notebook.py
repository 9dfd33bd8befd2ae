"""The master notebook: its cells come with the package, this interpreter executes them.

The kernel is a child of this process, on the loopback address alone. It knows nothing of the
person's own Jupyter and IPython: no kernel specification, profile or history of theirs is read.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, Final

from sla_sniper.core.errors import SlaSniperError
from sla_sniper.core.progress import Progress, silent
from sla_sniper.data import master_notebook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbformat import NotebookNode

PARAMETERS: Final = "parameters"
"""Tag of the cell that names the workspace and the instant."""
_KERNEL: Final = "python3"
_LOOPBACK: Final = "127.0.0.1"
_LONGEST: Final = 200


class NotebookMissingError(SlaSniperError):
    """The packages that execute a notebook are not installed."""

    exit_code: ClassVar[int] = 48

    def __init__(self, package: str) -> None:
        super().__init__(package)
        self.package = package

    def __str__(self) -> str:
        return (
            f"The notebook needs the package {self.package}: "
            "run `pip install 'sla-sniper[notebook]'`."
        )


class NotebookFailedError(SlaSniperError):
    """A cell of the notebook failed, or its kernel ended; no notebook was written."""

    exit_code: ClassVar[int] = 49

    def __init__(self, cell: int, reason: str) -> None:
        super().__init__(cell, reason)
        self.cell, self.reason = cell, reason

    def __str__(self) -> str:
        return (
            f"Cell {self.cell} of the notebook failed: {self.reason}; nothing was written. "
            "`sniper check` looks for a cause in the log."
        )


def require_notebook() -> None:
    """Insist on what executes a notebook, before any work is done.

    Raises
    ------
    NotebookMissingError
        If a package of the extra `notebook` is not installed.
    """
    try:
        import ipykernel  # noqa: F401, PLC0415 - an extra
        import jupytext  # noqa: F401, PLC0415 - an extra
        import nbclient  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise NotebookMissingError(error.name or "nbclient") from error


def read_notebook(source: Path | None = None) -> NotebookNode:
    """Read the cells of the master notebook; none has an output, two runs give the same.

    Parameters
    ----------
    source : Path, optional
        Another script in jupytext's percent format.
    """
    import jupytext  # noqa: PLC0415 - an extra

    script = (source or master_notebook()).read_text(encoding="utf-8")
    notebook: NotebookNode = jupytext.reads(script, fmt="py:percent")
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": _KERNEL},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells, start=1):
        cell["id"] = f"cell-{number}"
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def written(notebook: NotebookNode) -> str:
    """Write a notebook as JSON."""
    import nbformat  # noqa: PLC0415 - an extra

    told: str = nbformat.writes(notebook, version=nbformat.NO_CONVERT)
    return f"{told.rstrip()}\n"


def executed_notebook(
    parameters: Mapping[str, str | None],
    folder: Path,
    *,
    source: Path | None = None,
    progress: Progress = silent,
) -> str:
    """Execute the master notebook in a folder.

    Parameters
    ----------
    parameters : mapping of str to (str or None)
        What its cell of parameters sets.
    folder : Path
        Where the notebook will lie: paths in it are relative to there.

    Returns
    -------
    str
        The notebook with its outputs.

    Raises
    ------
    NotebookMissingError
        If a package of the extra `notebook` is not installed.
    NotebookFailedError
        If a cell fails, or the kernel ends.
    """
    require_notebook()
    notebook = read_notebook(source)
    for cell in notebook.cells:
        if PARAMETERS in cell.metadata.get("tags", ()):
            cell.source = "\n".join(f"{name} = {text!r}" for name, text in parameters.items())
    _execute(notebook, folder, progress)
    return written(notebook)


def _execute(notebook: NotebookNode, folder: Path, progress: Progress) -> None:
    """Run every cell in a kernel of its own, which is gone afterwards whatever happens."""
    from jupyter_client.kernelspec import KernelSpecManager  # noqa: PLC0415 - an extra
    from jupyter_client.manager import AsyncKernelManager  # noqa: PLC0415 - an extra
    from nbclient import NotebookClient  # noqa: PLC0415 - an extra
    from nbclient.exceptions import CellControlSignal, CellExecutionError  # noqa: PLC0415

    at = [0]

    def tell(cell: object, cell_index: int) -> None:
        del cell
        at[0] = cell_index
        progress("executing the notebook", cell_index / len(notebook.cells))

    with TemporaryDirectory(prefix="sniper-notebook-") as scratch:
        _write_kernel(Path(scratch))
        manager = AsyncKernelManager(
            kernel_name=_KERNEL,
            kernel_spec_manager=KernelSpecManager(
                kernel_dirs=[scratch], ensure_native_kernel=False
            ),
            ip=_LOOPBACK,
            connection_file=str(Path(scratch) / "connection.json"),
        )
        client = NotebookClient(
            notebook,
            km=manager,
            timeout=None,
            record_timing=False,
            ipython_hist_file="",
            on_cell_execute=tell,
            resources={"metadata": {"path": str(folder)}},
        )
        # What libraries print past the cells' outputs belongs to nobody's terminal.
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        try:
            client.execute(cleanup_kc=True, **quiet)
        except CellExecutionError as error:
            reason = f"{error.ename}: {error.evalue}" if error.evalue else str(error.ename)
            raise NotebookFailedError(at[0] + 1, _short(reason)) from error
        except (CellControlSignal, RuntimeError) as error:
            raise NotebookFailedError(at[0] + 1, _short(str(error))) from error


def _write_kernel(scratch: Path) -> None:
    """Describe this very interpreter as the only kernel there is."""
    home = scratch / _KERNEL
    home.mkdir()
    options = (
        # A file beside the notebook must not stand in for a module.
        "--InteractiveShellApp.ignore_cwd=True",
        "--HistoryManager.enabled=False",
    )
    spec: dict[str, Any] = {
        "argv": [sys.executable, "-P", "-m", "ipykernel_launcher", "-f", "{connection_file}",
                 *options],
        "display_name": "Python 3",
        "language": "python",
        "env": {
            # The modules that run here, also where this process found them by a relative path.
            "PYTHONPATH": os.pathsep.join(str(Path(each).resolve()) for each in sys.path if each),
            "IPYTHONDIR": str(scratch / "ipython"),
            "JUPYTER_RUNTIME_DIR": str(scratch),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        },
    }  # fmt: skip
    (home / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")


def _short(reason: str) -> str:
    """Cut a reason to one line."""
    told = " ".join(reason.split()).rstrip(".")
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"
