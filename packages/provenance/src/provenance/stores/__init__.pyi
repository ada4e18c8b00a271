from .paths import ObjectPath as ObjectPath
from .paths import as_path as as_path
from .paths import origin_of as origin_of
from .protocol import ObjectStat as ObjectStat
from .protocol import Storage as Storage
from .protocol import Upload as Upload
from .registry import storage_of as storage_of

__all__ = [
    "ObjectPath",
    "ObjectStat",
    "Storage",
    "Upload",
    "as_path",
    "origin_of",
    "storage_of",
]
