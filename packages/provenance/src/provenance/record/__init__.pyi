from .embedded import EMBEDDED_KEY as EMBEDDED_KEY
from .embedded import read_embedded as read_embedded
from .embedded import short_record_bytes as short_record_bytes
from .hashing import Digest as Digest
from .hashing import DirectoryDigest as DirectoryDigest
from .hashing import combine_digests as combine_digests
from .hashing import hash_directory as hash_directory
from .hashing import hash_file as hash_file
from .hashing import hash_files as hash_files
from .record import DamagedRecordError as DamagedRecordError
from .record import Record as Record
from .search import load_record as load_record

__all__ = [
    "EMBEDDED_KEY",
    "DamagedRecordError",
    "Digest",
    "DirectoryDigest",
    "Record",
    "combine_digests",
    "hash_directory",
    "hash_file",
    "hash_files",
    "load_record",
    "read_embedded",
    "short_record_bytes",
]
