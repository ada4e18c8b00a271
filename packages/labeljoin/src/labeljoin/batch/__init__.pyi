from .corpora import CORPORA as CORPORA
from .corpora import corpus_manifest as corpus_manifest
from .job import BatchError as BatchError
from .job import BatchJob as BatchJob
from .job import ManifestTable as ManifestTable
from .job import ReportColumn as ReportColumn
from .labelling import LABEL_BATCH as LABEL_BATCH
from .labelling import run_batch as run_batch
from .manifest import load_manifest as load_manifest
from .manifest import manifest_schema as manifest_schema
from .options import declared as declared
from .options import option_schemas as option_schemas
from .options import options_from as options_from
from .running import run_job as run_job

__all__ = [
    "CORPORA",
    "LABEL_BATCH",
    "BatchError",
    "BatchJob",
    "ManifestTable",
    "ReportColumn",
    "corpus_manifest",
    "declared",
    "load_manifest",
    "manifest_schema",
    "option_schemas",
    "options_from",
    "run_batch",
    "run_job",
]
