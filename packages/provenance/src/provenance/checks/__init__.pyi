from .findings import Verification as Verification
from .replay import Replay as Replay

__all__ = ["Replay", "Verification"]
