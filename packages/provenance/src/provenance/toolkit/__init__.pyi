from .canonical import canonical_bytes as canonical_bytes
from .canonical import content_digest as content_digest
from .canonical import document_bytes as document_bytes
from .canonical import json_value as json_value
from .command import CommandLine as CommandLine
from .command import Facts as Facts
from .command import ProgressCallback as ProgressCallback
from .deprecation import moved_name as moved_name
from .deprecation import public_names as public_names
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
from .foreign import as_moskit_error as as_moskit_error
from .grammar.output import Output as Output
from .pages.environment import breakable as breakable
from .pages.environment import markdown_templates as markdown_templates
from .pages.environment import page_templates as page_templates
from .pages.escaping import markdown_code as markdown_code
from .pages.escaping import markdown_text as markdown_text
from .pages.escaping import visible as visible
from .pages.notebook import Shown as Shown
from .pages.notebook import summary_html as summary_html
from .process.ending import write_json as write_json
from .process.machine import processors as processors
from .process.start import start_command as start_command
from .redaction import redact_text as redact_text
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
    "Shown",
    "VerdictError",
    "as_moskit_error",
    "breakable",
    "canonical_bytes",
    "content_digest",
    "document_bytes",
    "json_value",
    "markdown_code",
    "markdown_templates",
    "markdown_text",
    "moved_name",
    "one_line",
    "page_templates",
    "parse_json",
    "processors",
    "public_names",
    "published_schema",
    "read_document",
    "read_json",
    "redact_text",
    "sentence",
    "shown_path",
    "start_command",
    "summary_html",
    "visible",
    "write_json",
]
