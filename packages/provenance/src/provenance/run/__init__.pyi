from .cleaning import clean as clean
from .manifests import write_manifest as write_manifest
from .objects.staging import StagedObject as StagedObject
from .run import Run as Run
from .run import start_run as start_run
from .staging import StagedOutput as StagedOutput

__all__ = ["Run", "StagedObject", "StagedOutput", "clean", "start_run", "write_manifest"]
