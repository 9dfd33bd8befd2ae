"""Where, how much and since when targets are missed, and what goes with it."""

from sla_sniper.diagnosis.association import Association, Level, associate, cramers_v
from sla_sniper.diagnosis.summary import Diagnosis, Month, diagnose

__all__ = ["Association", "Diagnosis", "Level", "Month", "associate", "cramers_v", "diagnose"]
