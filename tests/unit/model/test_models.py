"""What is shown of a model that a file holds."""

from __future__ import annotations

from hspyio.model.models import Model
from hspyio.model.tree import MetadataTree


def test_models() -> None:
    model = Model(MetadataTree({"date": "2024", "dimensions": "(|9)", "components": {"A": {}}}))
    assert (model.date, model.dimensions, model.components) == ("2024", "(|9)", ("A",))
    assert repr(model) == "<Model, components: A, dimensions: (|9), date: 2024>"
    listed = [{"name": "Offset", "_id_name": "O"}, {"_id_name": "Gaussian"}, 3]
    assert Model(MetadataTree({"_dict": {"components": listed}})).components == (
        "Offset",
        "Gaussian",
    )
    for odd in ({}, {"_dict": 3}, {"_dict": {"components": 3}}, {"components": None}):
        assert Model(MetadataTree(odd)).components == ()
