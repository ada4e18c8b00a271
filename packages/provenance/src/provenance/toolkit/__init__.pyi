from .canonical import canonical_bytes as canonical_bytes
from .canonical import content_digest as content_digest
from .canonical import document_bytes as document_bytes
from .canonical import json_value as json_value
from .command import CommandLine as CommandLine
from .command import Facts as Facts
from .command import Output as Output
from .command import ProgressCallback as ProgressCallback
from .command import write_json as write_json
from .deprecation import moved_name as moved_name
from .errors import EXIT_BUG as EXIT_BUG
from .errors import EXIT_DONE as EXIT_DONE
from .errors import EXIT_INPUT as EXIT_INPUT
from .errors import EXIT_INTERRUPTED as EXIT_INTERRUPTED
from .errors import EXIT_OUTPUT as EXIT_OUTPUT
from .errors import EXIT_VERDICT as EXIT_VERDICT
from .errors import InputError as InputError
from .errors import MoskitError as MoskitError
from .errors import OutputError as OutputError
from .errors import VerdictError as VerdictError
from .errors import one_line as one_line
from .machine import processors as processors
from .schemas import published_schema as published_schema

__all__ = [
    "EXIT_BUG",
    "EXIT_DONE",
    "EXIT_INPUT",
    "EXIT_INTERRUPTED",
    "EXIT_OUTPUT",
    "EXIT_VERDICT",
    "CommandLine",
    "Facts",
    "InputError",
    "MoskitError",
    "Output",
    "OutputError",
    "ProgressCallback",
    "VerdictError",
    "canonical_bytes",
    "content_digest",
    "document_bytes",
    "json_value",
    "moved_name",
    "one_line",
    "processors",
    "published_schema",
    "write_json",
]
