"""Run records in the forms that other tools read: in-toto, W3C PROV-JSON, OpenLineage."""
