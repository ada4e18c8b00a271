"""Batches of joins: jobs, their manifest, and ready manifests of public corpora."""
