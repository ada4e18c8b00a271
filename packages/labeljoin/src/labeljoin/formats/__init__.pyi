from .base import Attachment as Attachment
from .base import ColumnsForKeys as ColumnsForKeys
from .base import FirstPass as FirstPass
from .base import Format as Format
from .base import PartReport as PartReport
from .base import TableWriter as TableWriter
from .base import changed_error as changed_error
from .base import collision_error as collision_error
from .frames import Frame as Frame
from .frames import FrameFacts as FrameFacts
from .frames import FrameTable as FrameTable
from .frames import arrow_table as arrow_table
from .frames import frame_like as frame_like
from .frames import frame_with as frame_with
from .frames import is_frame as is_frame
from .hashing import HashedWriter as HashedWriter
from .hashing import digest_of as digest_of
from .json.stream import JsonStream as JsonStream
from .opening import locate as locate
from .opening import open_table as open_table
from .registry import format_named as format_named
from .registry import formats as formats
from .registry import promised_format as promised_format
from .sample import Certainty as Certainty
from .sample import Sample as Sample
from .table import Table as Table
from .table import column_values as column_values

__all__ = [
    "Attachment",
    "Certainty",
    "ColumnsForKeys",
    "FirstPass",
    "Format",
    "Frame",
    "FrameFacts",
    "FrameTable",
    "HashedWriter",
    "JsonStream",
    "PartReport",
    "Sample",
    "Table",
    "TableWriter",
    "arrow_table",
    "changed_error",
    "collision_error",
    "column_values",
    "digest_of",
    "format_named",
    "formats",
    "frame_like",
    "frame_with",
    "is_frame",
    "locate",
    "open_table",
    "promised_format",
]
