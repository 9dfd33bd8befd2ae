"""Who to escalate under a limited capacity, what it would have saved, and what may be claimed."""

from sla_sniper.escalation.backtest import backtest, capture_curve
from sla_sniper.escalation.candidates import Candidates, candidates_from
from sla_sniper.escalation.costs import CostTable, Effectiveness, money
from sla_sniper.escalation.decisions import decisions_frame
from sla_sniper.escalation.gate import Advantage, Verdict
from sla_sniper.escalation.kill_list import rank_now
from sla_sniper.escalation.policies import MODELS, POLICIES, RULES, Policy
from sla_sniper.escalation.replay import LIMITS, Replay, SlotRule, replay
from sla_sniper.escalation.results import PolicyResult, ReplaySummary
from sla_sniper.escalation.sensitivity import Sensitivity, sensitivity
from sla_sniper.escalation.staffing import Kind, Staffing
from sla_sniper.escalation.summary import summarise

__all__ = [
    "LIMITS",
    "MODELS",
    "POLICIES",
    "RULES",
    "Advantage",
    "Candidates",
    "CostTable",
    "Effectiveness",
    "Kind",
    "Policy",
    "PolicyResult",
    "Replay",
    "ReplaySummary",
    "Sensitivity",
    "SlotRule",
    "Staffing",
    "Verdict",
    "backtest",
    "candidates_from",
    "capture_curve",
    "decisions_frame",
    "money",
    "rank_now",
    "replay",
    "sensitivity",
    "summarise",
]
