from .manifest import HeadMismatchError as HeadMismatchError
from .manifest import load_manifest as load_manifest
from .metadata import HeadMetadata as HeadMetadata
from .operators import allowed_operators as allowed_operators
from .registry import Registry as Registry
from .registry import RegistryEntry as RegistryEntry
from .registry import register as register

__all__ = [
    "HeadMetadata",
    "HeadMismatchError",
    "Registry",
    "RegistryEntry",
    "allowed_operators",
    "load_manifest",
    "register",
]
