"""Predictions of a LightGBM model through its C interface.

The Python package takes a second or two to import, most of it for scikit-learn and pandas,
which a prediction does not need; a list that a team lead asks for every half hour does
without. Training uses the package. See docs/decisions/0010.

References
----------
.. [1] https://lightgbm.readthedocs.io/en/latest/C-API.html
"""

from __future__ import annotations

import ctypes
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final
from weakref import finalize

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FLOAT64: Final = 1
_ROW_MAJOR: Final = 1
_RAW_SCORE, _CONTRIBUTIONS = 1, 3


class Booster:
    """A model that was read from LightGBM's own text.

    Parameters
    ----------
    text : str
        As `lightgbm.Booster.model_to_string` writes it.

    Raises
    ------
    ValueError
        If the text is no model.
    """

    def __init__(self, text: str) -> None:
        self._handle = ctypes.c_void_p()
        n_rounds = ctypes.c_int()
        _call(
            "LGBM_BoosterLoadModelFromString",
            ctypes.c_char_p(text.encode()),
            ctypes.byref(n_rounds),
            ctypes.byref(self._handle),
        )
        finalize(self, _library().LGBM_BoosterFree, self._handle)

    def log_odds(self, matrix: NDArray[np.float64], *, num_threads: int) -> NDArray[np.float64]:
        """Raw scores of a matrix of shape (n_snapshots, n_features); of shape (n_snapshots,)."""
        return self._predict(matrix, _RAW_SCORE, width=1, num_threads=num_threads)[:, 0]

    def contributions(
        self, matrix: NDArray[np.float64], *, num_threads: int
    ) -> NDArray[np.float64]:
        """What each feature adds, and the bias last; of shape (n_snapshots, n_features + 1)."""
        width = matrix.shape[1] + 1
        return self._predict(matrix, _CONTRIBUTIONS, width=width, num_threads=num_threads)

    def _predict(
        self, matrix: NDArray[np.float64], kind: int, *, width: int, num_threads: int
    ) -> NDArray[np.float64]:
        rows = np.ascontiguousarray(matrix, dtype=np.float64)
        found = np.empty((len(rows), width))
        length = ctypes.c_int64()
        if not len(rows):
            return found
        _call(
            "LGBM_BoosterPredictForMat",
            self._handle,
            rows.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_int(_FLOAT64),
            ctypes.c_int32(rows.shape[0]),
            ctypes.c_int32(rows.shape[1]),
            ctypes.c_int(_ROW_MAJOR),
            ctypes.c_int(kind),
            ctypes.c_int(0),
            ctypes.c_int(-1),
            ctypes.c_char_p(f"num_threads={num_threads}".encode()),
            ctypes.byref(length),
            found.ctypes.data_as(ctypes.c_void_p),
        )
        return found


def _call(name: str, *arguments: object) -> None:
    library = _library()
    if getattr(library, name)(*arguments) != 0:
        raise ValueError(f"LightGBM refused: {library.LGBM_GetLastError().decode()}")


@cache
def _library() -> ctypes.CDLL:
    spec = find_spec("lightgbm")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'lightgbm'", name="lightgbm")
    library = ctypes.CDLL(str(Path(spec.origin).parent / "lib" / "lib_lightgbm.so"))
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    return library
