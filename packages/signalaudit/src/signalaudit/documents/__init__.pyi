from .audit import SCHEMA as SCHEMA
from .audit import AuditDocument as AuditDocument
from .audit import BlockGain as BlockGain
from .audit import BlockKind as BlockKind
from .audit import Cluster as Cluster
from .audit import ColumnStats as ColumnStats
from .audit import ComparisonKind as ComparisonKind
from .audit import ComplementaryPair as ComplementaryPair
from .audit import ContaminationDocument as ContaminationDocument
from .audit import DecidedDirection as DecidedDirection
from .audit import Direction as Direction
from .audit import DirectionSource as DirectionSource
from .audit import Disagreement as Disagreement
from .audit import FamilyDocument as FamilyDocument
from .audit import FamilyStatus as FamilyStatus
from .audit import GainMethod as GainMethod
from .audit import GroupAgreement as GroupAgreement
from .audit import Health as Health
from .audit import Need as Need
from .audit import NoiseCeiling as NoiseCeiling
from .audit import RankedClip as RankedClip
from .audit import RedundantPair as RedundantPair
from .audit import SaturationEnd as SaturationEnd
from .audit import Status as Status
from .audit import Step as Step
from .audit import StepKind as StepKind
from .audit import TableDocument as TableDocument
from .audit import TargetCorrelation as TargetCorrelation
from .diff import DIFF_SCHEMA as DIFF_SCHEMA
from .diff import DiffDocument as DiffDocument
from .diff import FamilyChange as FamilyChange
from .diff import GainChange as GainChange
from .diff import GainSummary as GainSummary
from .diff import GainVerdict as GainVerdict
from .diff import MovedCorrelation as MovedCorrelation
from .diff import TableDiff as TableDiff
from .published import schemas as schemas

__all__ = [
    "DIFF_SCHEMA",
    "SCHEMA",
    "AuditDocument",
    "BlockGain",
    "BlockKind",
    "Cluster",
    "ColumnStats",
    "ComparisonKind",
    "ComplementaryPair",
    "ContaminationDocument",
    "DecidedDirection",
    "DiffDocument",
    "Direction",
    "DirectionSource",
    "Disagreement",
    "FamilyChange",
    "FamilyDocument",
    "FamilyStatus",
    "GainChange",
    "GainMethod",
    "GainSummary",
    "GainVerdict",
    "GroupAgreement",
    "Health",
    "MovedCorrelation",
    "Need",
    "NoiseCeiling",
    "RankedClip",
    "RedundantPair",
    "SaturationEnd",
    "Status",
    "Step",
    "StepKind",
    "TableDiff",
    "TableDocument",
    "TargetCorrelation",
    "schemas",
]
