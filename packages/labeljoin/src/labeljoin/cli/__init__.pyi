from .rendering import render_batch as render_batch

__all__ = ["render_batch"]
