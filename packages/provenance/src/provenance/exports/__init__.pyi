from .identity import EventTime as EventTime
from .identity import producer as producer
from .identity import run_id as run_id
from .registry import Exporter as Exporter
from .registry import export_formats as export_formats

__all__ = ["EventTime", "Exporter", "export_formats", "producer", "run_id"]
