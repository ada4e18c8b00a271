from . import batch as batch
from . import cli as cli
from . import diagnose as diagnose
from . import engine as engine
from . import formats as formats
from . import joining as joining
from . import keys as keys
from . import labels as labels
from . import ratings as ratings
from .batch.job import BatchError as BatchError
from .batch.labelling import run_batch as run_batch
from .engine.attaching import attach as attach
from .formats.opening import open_table as open_table
from .formats.table import Table as Table
from .joining.clip_keys import clip_key as clip_key
from .joining.coverage import CoverageError as CoverageError
from .joining.in_memory import JoinResult as JoinResult
from .joining.in_memory import join as join
from .joining.inspection import inspect as inspect
from .joining.on_disk import join_file as join_file
from .joining.options import JoinOptions as JoinOptions
from .ratings.estimation import estimate_mos as estimate_mos

__version__: str

__all__ = [
    "BatchError",
    "CoverageError",
    "JoinOptions",
    "JoinResult",
    "Table",
    "attach",
    "batch",
    "cli",
    "clip_key",
    "diagnose",
    "engine",
    "estimate_mos",
    "formats",
    "inspect",
    "join",
    "join_file",
    "joining",
    "keys",
    "labels",
    "open_table",
    "ratings",
    "run_batch",
]
