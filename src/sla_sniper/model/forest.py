"""The prototype's Random Forest, kept to be compared with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl

from sla_sniper.core.errors import WorkspaceError
from sla_sniper.model.encoding import Encoding
from sla_sniper.model.probability import FLOOR, logit

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from sla_sniper.snapshots.features import Feature

MODEL_FILE, STATE_FILE = "forest.skops", "encoding.json"
N_TREES = 300
MAX_ROWS_PER_TREE = 20_000
"""A tree of leaves of 3 grows with its rows: 300 of them over a big desk would fill a disk."""

TRUSTED = frozenset({"sklearn.tree._tree.Tree"})
"""Types beyond skops' own list that a saved forest may name; anything else is refused."""


class _Tree(Protocol):
    """The arrays of one of scikit-learn's trees, each of shape (n_nodes, ...)."""

    value: NDArray[np.float64]
    children_left: NDArray[np.int64]
    children_right: NDArray[np.int64]
    feature: NDArray[np.int64]


class RandomForestEstimator:
    """300 trees, leaves of 3, classes balanced in each draw, as the prototype had it [1]_.

    The balancing pulls its probabilities towards one half; calibration repairs that.

    Parameters
    ----------
    features : tuple of Feature
    seed : int
        The prototype used 42.
    num_threads : int
        Threads of the fit; predictions use one, which makes their sums repeatable.

    References
    ----------
    .. [1] L. Breiman (2001), "Random forests", Machine Learning 45, 5-32.
       doi:10.1023/A:1010933404324
    """

    learns_from_censored = False

    def __init__(
        self, features: tuple[Feature, ...], *, seed: int = 42, num_threads: int = 2
    ) -> None:
        self.features = features
        self.seed = seed
        self.num_threads = num_threads

    def fit(self, X: pl.DataFrame, y: NDArray[np.bool_]) -> Self:
        """Grow the forest on all rows."""
        from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 - slow to import

        self.encoding_ = Encoding.fit(X, self.features)
        self._forest = RandomForestClassifier(
            n_estimators=N_TREES,
            min_samples_leaf=3,
            class_weight="balanced_subsample",
            max_samples=MAX_ROWS_PER_TREE if len(y) > MAX_ROWS_PER_TREE else None,
            random_state=self.seed,
            n_jobs=self.num_threads,
        ).fit(self.encoding_.transform(X), y)
        self._forest.n_jobs = 1
        return self

    def predict_proba(self, X: pl.DataFrame) -> NDArray[np.float64]:
        """Return the uncalibrated probability of a breach, of shape (n_snapshots,)."""
        if X.is_empty():
            return np.empty(0)
        shares = self._forest.predict_proba(self.encoding_.transform(X))[:, 1]
        kept: NDArray[np.float64] = np.clip(shares, FLOOR, 1 - FLOOR)
        return kept

    def contributions(self, X: pl.DataFrame) -> NDArray[np.float64]:
        """Change of probability along the paths of the trees [1]_, put on the log-odds scale.

        The trees add up in probability; each row is stretched by one factor so that it adds
        up in log-odds, which keeps the features' order and their shares of the whole.

        References
        ----------
        .. [1] A. Palczewska et al. (2014), "Interpreting random forest classification models
           using a feature contribution method", in Integration of Reusable Systems, 193-218.
           doi:10.1007/978-3-319-04717-1_9
        """
        if X.is_empty():
            return np.empty((0, len(self.features)))
        matrix = self.encoding_.transform(X).astype(np.float32)
        added = np.zeros((len(matrix), len(self.features)))
        for tree in self._forest.estimators_:
            paths = tree.tree_.decision_path(matrix)
            added += (paths @ _steps(tree.tree_, len(self.features))).toarray()
        added /= N_TREES
        moved = added.sum(axis=1)
        return added * _stretch(self._root, moved)[:, None]

    @property
    def bias(self) -> float:
        """Log-odds of the mean root of the trees."""
        return float(logit(np.array([self._root]))[0])

    def save(self, folder: Path) -> None:
        """Write the forest by skops, and the encoding as JSON."""
        from zipfile import ZIP_DEFLATED  # noqa: PLC0415 - only here

        import skops.io  # noqa: PLC0415 - slow to import

        skops.io.dump(self._forest, folder / MODEL_FILE, compression=ZIP_DEFLATED)
        state = {"encoding": self.encoding_.state(), "seed": self.seed}
        (folder / STATE_FILE).write_text(json.dumps(state, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        WorkspaceError
            If the file names a type that a forest does not need; it is not opened then.
        """
        import skops.io  # noqa: PLC0415 - slow to import

        path = folder / MODEL_FILE
        foreign = set(skops.io.get_untrusted_types(file=path)) - TRUSTED
        if foreign:
            raise WorkspaceError(
                f"{path} holds {', '.join(sorted(foreign))}, which no forest needs; it was not "
                "opened: train the model again."
            )
        state = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        encoding = Encoding.from_state(state["encoding"])
        estimator = cls(encoding.features, seed=state["seed"])
        estimator.encoding_ = encoding
        estimator._forest = skops.io.load(path, trusted=sorted(TRUSTED))
        return estimator

    @property
    def _root(self) -> float:
        return float(np.mean([_breach_share(one.tree_)[0] for one in self._forest.estimators_]))


def _breach_share(tree: _Tree) -> NDArray[np.float64]:
    """Share of breaches at each node, of shape (n_nodes,)."""
    counts = tree.value[:, 0, :]
    share: NDArray[np.float64] = counts[:, 1] / counts.sum(axis=1)
    return share


def _steps(tree: _Tree, n_features: int) -> csr_array:
    """Sparse (n_nodes, n_features): how far entering a node moves the share, by which feature."""
    from scipy.sparse import csr_array  # noqa: PLC0415 - slow to import

    share = _breach_share(tree)
    parents = np.flatnonzero(tree.children_left >= 0)
    children = np.concatenate([tree.children_left[parents], tree.children_right[parents]])
    above = np.concatenate([parents, parents])
    moves = share[children] - share[above]
    return csr_array((moves, (children, tree.feature[above])), shape=(len(share), n_features))


def _stretch(root: float, moved: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds per probability between the root and where each row ends."""
    start = np.full_like(moved, root)
    flat = np.abs(moved) < 1e-9  # noqa: PLR2004 - there the slope of the log-odds is exact enough
    chord = (logit(start + moved) - logit(start)) / np.where(flat, 1.0, moved)
    return np.where(flat, 1 / (root * (1 - root)), chord)
