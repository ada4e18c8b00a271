from .batch import BATCH as BATCH
from .batch import batch_command as batch_command
from .flags import option_flags as option_flags
from .flags import options_table as options_table
from .rendering import render_batch as render_batch

__all__ = ["BATCH", "batch_command", "option_flags", "options_table", "render_batch"]
