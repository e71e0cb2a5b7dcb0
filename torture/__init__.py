"""Proof that no file is lost: ``python -m torture``, or ``make torture``. Needs Linux."""
