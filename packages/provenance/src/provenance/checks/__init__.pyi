from .replay import Replay as Replay
from .verify import Verification as Verification

__all__ = ["Replay", "Verification"]
