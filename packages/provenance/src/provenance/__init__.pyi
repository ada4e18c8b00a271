from .checks.replay import replay as replay
from .checks.verify import verify as verify
from .exports.export import export as export
from .exports.sign import sign as sign
from .lineage.trace import trace as trace
from .record.hashing import hash_file as hash_file
from .record.record import Record as Record
from .record.search import load_record as load_record
from .run.manifests import write_manifest as write_manifest
from .run.run import Run as Run
from .run.run import start_run as start_run
from .toolkit.errors import MoskitError as MoskitError

__version__: str

__all__ = [
    "MoskitError",
    "Record",
    "Run",
    "__version__",
    "export",
    "hash_file",
    "load_record",
    "replay",
    "sign",
    "start_run",
    "trace",
    "verify",
    "write_manifest",
]
