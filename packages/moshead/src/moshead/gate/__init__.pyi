from .gate import judge as judge
from .gate import judge_rows as judge_rows
from .report import FoldScore as FoldScore
from .report import GateReport as GateReport
from .thresholds import PRODUCTION as PRODUCTION
from .thresholds import Threshold as Threshold

__all__ = [
    "PRODUCTION",
    "FoldScore",
    "GateReport",
    "Threshold",
    "judge",
    "judge_rows",
]
