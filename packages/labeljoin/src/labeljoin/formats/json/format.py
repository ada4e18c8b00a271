"""JSON documents as a table format: rewritten with more members in every row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labeljoin.formats.base import Attachment, Format, PartReport
from labeljoin.formats.json.document import JsonTable
from labeljoin.formats.json.rewrite import JsonRewrite
from labeljoin.formats.sample import Certainty, Sample, text_format

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from labeljoin.formats.table import Table


class JsonFormat(Format):
    """JSON files with a list of objects, alone or as the member ``rows``."""

    name = "json"
    suffixes = (".json",)

    def sniff(self, sample: Sample) -> Certainty:
        """Recognise a list of objects, or an object over several lines."""
        return Certainty.LIKELY if text_format(sample) == self.name else Certainty.NO

    def open(self, path: Path, parts: Sequence[Path]) -> Table:
        """Open a JSON file or a directory of them."""
        return JsonTable(path, parts)

    def attach(self, task: Attachment) -> PartReport:
        """Rewrite the document; the text around the new members stays."""
        return JsonRewrite(task).report()
