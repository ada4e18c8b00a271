from .checks.replay import Replay as Replay
from .checks.replay import replay as replay
from .checks.verify import Verification as Verification
from .checks.verify import verify as verify
from .exports.export import export as export
from .lineage.graph import Lineage as Lineage
from .lineage.trace import trace as trace
from .record.embedded import EMBEDDED_KEY as EMBEDDED_KEY
from .record.embedded import read_embedded as read_embedded
from .record.embedded import short_record_bytes as short_record_bytes
from .record.hashing import Digest as Digest
from .record.hashing import DirectoryDigest as DirectoryDigest
from .record.hashing import combine_digests as combine_digests
from .record.hashing import hash_directory as hash_directory
from .record.hashing import hash_file as hash_file
from .record.hashing import hash_files as hash_files
from .record.record import DamagedRecordError as DamagedRecordError
from .record.record import Record as Record
from .record.search import load_record as load_record
from .run.manifests import write_manifest as write_manifest
from .run.run import Run as Run
from .run.run import start_run as start_run
from .run.staging import StagedOutput as StagedOutput
from .toolkit.canonical import canonical_bytes as canonical_bytes
from .toolkit.canonical import content_digest as content_digest
from .toolkit.canonical import document_bytes as document_bytes
from .toolkit.command import ProgressCallback as ProgressCallback
from .toolkit.errors import InputError as InputError
from .toolkit.errors import MoskitError as MoskitError
from .toolkit.errors import OutputError as OutputError
from .toolkit.errors import VerdictError as VerdictError
from .toolkit.processors import processors as processors

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
