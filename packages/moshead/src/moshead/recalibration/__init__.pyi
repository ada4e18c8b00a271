from .recalibrating import recalibrate as recalibrate

__all__ = ["recalibrate"]
