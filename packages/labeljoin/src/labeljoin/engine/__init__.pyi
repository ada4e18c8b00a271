from .attaching import AttachReport as AttachReport
from .attaching import attach as attach
from .executors import executor as executor
from .executors import part_executor as part_executor
from .passes import first_pass as first_pass
from .run import attach_in_run as attach_in_run
from .run import stage_table as stage_table
from .run import withhold_table as withhold_table

__all__ = [
    "AttachReport",
    "attach",
    "attach_in_run",
    "executor",
    "first_pass",
    "part_executor",
    "stage_table",
    "withhold_table",
]
