"""Where, how much and since when targets are missed, what goes with it, when and why."""

from sla_sniper.diagnosis.association import Association, Level, associate, cramers_v
from sla_sniper.diagnosis.detail import Detail, Question, look_closer
from sla_sniper.diagnosis.summary import Diagnosis, Month, diagnose

__all__ = [
    "Association",
    "Detail",
    "Diagnosis",
    "Level",
    "Month",
    "Question",
    "associate",
    "cramers_v",
    "diagnose",
    "look_closer",
]
