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
from .documents import parse_json as parse_json
from .documents import read_document as read_document
from .documents import read_json as read_json
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
from .errors import sentence as sentence
from .machine import processors as processors
from .schemas import published_schema as published_schema
from .terminal import shown_path as shown_path

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
    "parse_json",
    "processors",
    "published_schema",
    "read_document",
    "read_json",
    "sentence",
    "shown_path",
    "write_json",
]
