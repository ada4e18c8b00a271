from .gate import FoldScore as FoldScore
from .gate import GateReport as GateReport
from .gate import judge as judge
from .gate import judge_rows as judge_rows

__all__ = [
    "FoldScore",
    "GateReport",
    "judge",
    "judge_rows",
]
