"""The commands of ``labeljoin``, one module for each; importing them imports nothing heavy."""
