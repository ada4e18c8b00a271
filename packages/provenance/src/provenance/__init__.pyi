from .affinity import processors as processors
from .canonical import canonical_bytes as canonical_bytes
from .canonical import content_digest as content_digest
from .canonical import document_bytes as document_bytes
from .command import ProgressCallback as ProgressCallback
from .embedded import EMBEDDED_KEY as EMBEDDED_KEY
from .embedded import read_embedded as read_embedded
from .embedded import short_record_bytes as short_record_bytes
from .errors import InputError as InputError
from .errors import MoskitError as MoskitError
from .errors import OutputError as OutputError
from .errors import VerdictError as VerdictError
from .exporting import export as export
from .hashing import Digest as Digest
from .hashing import DirectoryDigest as DirectoryDigest
from .hashing import combine_digests as combine_digests
from .hashing import hash_directory as hash_directory
from .hashing import hash_file as hash_file
from .hashing import hash_files as hash_files
from .lineage import Lineage as Lineage
from .manifests import write_manifest as write_manifest
from .record_search import load_record as load_record
from .records import DamagedRecordError as DamagedRecordError
from .records import Record as Record
from .replaying import Replay as Replay
from .replaying import replay as replay
from .runs import Run as Run
from .runs import start_run as start_run
from .staging import StagedOutput as StagedOutput
from .tracing import trace as trace
from .verification import Verification as Verification
from .verification import verify as verify

__all__ = [
    "EMBEDDED_KEY",
    "DamagedRecordError",
    "Digest",
    "DirectoryDigest",
    "InputError",
    "Lineage",
    "MoskitError",
    "OutputError",
    "ProgressCallback",
    "Record",
    "Replay",
    "Run",
    "StagedOutput",
    "VerdictError",
    "Verification",
    "canonical_bytes",
    "combine_digests",
    "content_digest",
    "document_bytes",
    "export",
    "hash_directory",
    "hash_file",
    "hash_files",
    "load_record",
    "processors",
    "read_embedded",
    "replay",
    "short_record_bytes",
    "start_run",
    "trace",
    "verify",
    "write_manifest",
]
