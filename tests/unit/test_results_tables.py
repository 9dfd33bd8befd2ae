from __future__ import annotations

from tools.results import tables

INTERVAL = {"estimate": 0.7, "low": 0.65, "high": 0.75}
FOUND = {
    "metrics": [
        {"score": "sniper", "metric": "auc", **INTERVAL},
        {"score": "sniper", "metric": "ece", "estimate": 0.9, "low": 0.9, "high": 0.9},
        {"score": "sniper", "metric": "ece_width", "estimate": 0.03, "low": 0.02, "high": 0.04},
    ],
    "policies": [
        {"policy": "sniper", "capacity": 25, "captured_share": INTERVAL},
        {"policy": "edf", "capacity": 50, "captured_share": {"estimate": None}},
    ],
    "verdicts": [{"sentence": "no measurable advantage over edf"}],
}


def test_forecasts_have_their_intervals():
    assert "| `sniper` | 0.700 [0.650, 0.750] | - | 0.030 [0.020, 0.040] |" in tables(FOUND)
    assert "| `edf` | - | - | - |" in tables(FOUND)


def test_policies_have_a_column_for_each_capacity():
    lines = tables(FOUND).splitlines()

    assert "| captured share of the cost | K = 25 | K = 50 |" in lines
    assert "| `sniper` | 70.0 % | - |" in lines


def test_the_gates_sentences_are_told():
    assert tables(FOUND).endswith("- no measurable advantage over edf")
