"""Read signals: one file, some of its experiments, several files as one stack."""
