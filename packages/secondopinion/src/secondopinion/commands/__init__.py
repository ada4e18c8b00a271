"""The commands of ``secondopinion``, one module each."""
