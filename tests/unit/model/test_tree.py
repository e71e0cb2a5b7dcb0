"""MetadataTree: still a dict, and more."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hspyio.errors import HspyWarning
from hspyio.model.tree import MetadataTree

keys = st.text("ab.", max_size=4)
plain_trees = st.recursive(
    st.dictionaries(keys, st.integers() | st.none() | st.text(max_size=3), max_size=3),
    lambda inner: st.dictionaries(keys, inner | st.lists(inner, max_size=2), max_size=3),
    max_leaves=6,
)


def chain(depth: int) -> dict:
    root: dict = {}
    node = root
    for _ in range(depth):
        node["n"] = node = {}
    node["leaf"] = 1
    return root


def test_attributes_read_set_and_delete() -> None:
    tree = MetadataTree({"General": {"title": "EDS"}})
    tree.General.title = "EELS"
    tree.Sample = {"elements": ["Fe"]}
    assert tree == {"General": {"title": "EELS"}, "Sample": {"elements": ["Fe"]}}
    assert tree.Sample.elements == ["Fe"]
    assert "General" in dir(tree)
    del tree.General
    assert list(tree) == ["Sample"]


def test_missing_attribute_names_what_there_is() -> None:
    tree = MetadataTree({"General": 1, "a b": 2})
    with pytest.raises(AttributeError, match="no entry 'Generl'; did you mean 'General'"):
        _ = tree.Generl
    with pytest.raises(AttributeError, match="no entry 'z'; there are: 'General', 'a b'; set_item"):
        _ = tree.z
    with pytest.raises(AttributeError, match="no entry 'x'"):
        del tree.x
    with pytest.raises(AttributeError, match="the tree is empty"):
        _ = MetadataTree().x


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("General.titel", "did you mean 'General.title'"),
        ("general.title", "did you mean 'General.title'"),
        ("title", "did you mean 'General.title'"),
        ("Sample.elemnts", "did you mean 'Sample.elements'"),
        ("Genral", "did you mean 'General'"),
    ],
)
def test_a_misspelt_path_is_told(path: str, said: str) -> None:
    tree = MetadataTree({"General": {"title": "x"}, "Sample": {"elements": []}})
    with pytest.warns(HspyWarning, match=said):
        assert tree.get_item(path) is None
    assert tree.get_item(path, 5) == 5
    assert tree.get_item("far.away") is None
    with pytest.raises(KeyError, match=said):
        tree.remove_item(path)


def test_what_is_not_there_is_named_with_the_way_to_make_it() -> None:
    tree = MetadataTree({"General": {"title": "x"}, **{f"key {i}": i for i in range(30)}})
    with pytest.raises(AttributeError, match="and 21 more; set_item"):
        _ = tree.Sample
    with pytest.raises(AttributeError, match="did you mean 'title'"):
        _ = tree.General.titel
    with pytest.raises(AttributeError, match="did you mean 'title'"):
        del tree.General.titel
    for act in (lambda: tree["Genral"], lambda: tree.__delitem__("Genral")):
        with pytest.raises(KeyError, match="did you mean 'General'"):
            act()
    with pytest.raises(KeyError, match="get_item"):
        _ = tree["General.title"]
    with pytest.raises(KeyError):
        _ = tree[5]
    with pytest.raises(AttributeError, match="set_item"):
        _ = tree.add_dictionary


def test_a_terminal_gets_no_control_characters_of_keys() -> None:
    tree = MetadataTree({"tit\x1b[31mle": 1})
    with pytest.raises(AttributeError) as caught:
        _ = tree.zz
    assert "\x1b" not in str(caught.value)


def test_nodes_can_be_added_as_in_hyperspy() -> None:
    tree = MetadataTree({"General": {"title": "x"}})
    tree.add_node("Sample")
    tree.add_node("Acquisition_instrument.TEM")
    tree.Sample.thickness = 1
    tree.Acquisition_instrument.TEM.beam_energy = 200
    tree.add_node("General")
    assert tree == {
        "General": {"title": "x"},
        "Sample": {"thickness": 1},
        "Acquisition_instrument": {"TEM": {"beam_energy": 200}},
    }
    with pytest.raises(TypeError, match=r"General\.title"):
        tree.add_node("General.title")


def test_names_of_dict_methods_are_never_hidden_keys() -> None:
    tree = MetadataTree({"items": 1})
    with pytest.raises(AttributeError, match=r"tree\['items'\]"):
        tree.items = 2
    assert list(tree.items()) == [("items", 1)]


def test_plain_dicts_become_trees_whichever_way_they_come_in() -> None:
    tree = MetadataTree([("a", {"x": {}})])
    tree["b"] = {"x": {}}
    tree.update({"c": {"x": {}}})
    assert tree.setdefault("d", {"x": {}}) is tree["d"]
    tree |= {"e": {"x": {}}}
    merged = tree | {"f": {"x": {}}}
    reverse = {"g": {"x": {}}} | tree
    assert type(merged) is type(reverse) is MetadataTree
    assert list(reverse) == ["g", "a", "b", "c", "d", "e"]
    for node in [*merged.values(), *reverse.values()]:
        assert type(node) is MetadataTree
        assert type(node["x"]) is MetadataTree


def test_other_mappings_and_dicts_in_lists_stay() -> None:
    ordered, listed = OrderedDict(a={}), [{"a": 1}]
    tree = MetadataTree({"o": ordered, "l": listed})
    assert tree.o is ordered
    assert type(tree.o["a"]) is dict
    assert tree.l is listed
    assert tree.as_dictionary()["l"] is listed


def test_any_hashable_key() -> None:
    tree = MetadataTree({1: {(2, 3): "x"}, None: 4})
    assert tree[1][2, 3] == "x"
    assert [path for path, _ in tree.paths()] == ["1.(2, 3)", "None"]
    assert "1\n│   └── (2, 3) = 'x'" in repr(tree)


def test_paths_find_keys_with_dots_and_prefer_the_longest() -> None:
    tree = MetadataTree({"a.b": {"c": 1}, "a": {"b.d": 2, "b": {"c": 3}}})
    assert tree.get_item("a.b.c") == 1
    assert tree.get_item("a.b.d") == 2
    assert tree.get_item("a.b.x", "none") == "none"
    assert tree.has_item("a.b")
    assert not tree.has_item("a.x")
    tree.set_item("a.b.c", 10)
    assert tree["a.b"] == {"c": 10}
    tree.set_item("a.b.d", 20)
    assert tree["a"]["b.d"] == 20
    tree.remove_item("a.b.c")
    assert tree.get_item("a.b.c") == 3


def test_paths_lead_through_other_mappings() -> None:
    tree = MetadataTree({"o": OrderedDict(a=1)})
    tree.set_item("o.a", 2)
    assert tree.get_item("o.a") == 2


def test_set_item_makes_nodes_but_replaces_no_value_by_one() -> None:
    tree = MetadataTree()
    tree.set_item("General.title", "x")
    tree.set_item("General.size", {"n": 1})
    assert tree.General.size.n == 1
    with pytest.raises(TypeError, match="'title' is a str, not a node"):
        tree.set_item("General.title.x", 1)
    with pytest.raises(KeyError, match=r"General\.nothing"):
        tree.remove_item("General.nothing")


@given(plain_trees, keys)
def test_what_is_set_is_found(plain: dict, path: str) -> None:
    tree = MetadataTree(plain)
    try:
        tree.set_item(path, "new")
    except TypeError:
        assert not tree.has_item(path)
        return
    assert tree.get_item(path) == "new"
    tree.remove_item(path)
    assert tree.get_item(path, None) != "new"


@given(plain_trees)
def test_as_dictionary_undoes_the_tree(plain: dict) -> None:
    tree = MetadataTree(plain)
    back = tree.as_dictionary()
    assert back == tree == plain
    assert "MetadataTree" not in f"{back!r}"
    for path, _ in tree.paths():
        assert tree.has_item(path)


def test_as_dictionary_looks_into_lists_and_tuples_that_hold_trees() -> None:
    untouched = [1, [2]]
    loop: list = []
    loop.append(loop)
    tree = MetadataTree({"a": [({"no": 1}, MetadataTree({"x": {}}))], "b": untouched, "c": loop})
    back = tree.as_dictionary()
    assert type(back["a"][0][1]) is dict
    assert type(back["a"][0][1]["x"]) is dict
    assert back["b"] is untouched
    assert back["c"] is loop


@pytest.mark.parametrize("way", ["deepcopy", "pickle"])
def test_deep_copies_are_trees_of_their_own(way: str) -> None:
    tree = MetadataTree({"a": {"b": [1]}, "array": np.arange(3)})
    again = copy.deepcopy(tree) if way == "deepcopy" else pickle.loads(pickle.dumps(tree))
    assert type(again) is type(again.a) is MetadataTree
    again.a.b.append(2)
    again.array[0] = 9
    assert tree.a.b == [1]
    assert tree.array[0] == 0


def test_shallow_copies_are_trees() -> None:
    tree = MetadataTree({"a": {}})
    for again in (tree.copy(), copy.copy(tree)):
        assert type(again) is MetadataTree
        assert again is not tree
        assert again.a is tree.a


def test_deep_trees() -> None:
    tree = MetadataTree(chain(5000))
    copied = copy.deepcopy(tree)
    assert tree.as_dictionary()["n"]["n"]
    for one in (tree, copied):
        assert repr(one).endswith("n = …")
        assert "…" in one._repr_html_()
    shallower = MetadataTree(chain(128))
    assert list(shallower.paths()) == [(".".join(["n"] * 128 + ["leaf"]), 1)]
    assert shallower.get_item(".".join(["n"] * 128 + ["leaf"])) == 1
    assert "leaf = 1" in repr(shallower)
    assert "leaf" in shallower._repr_html_()


def test_cycles_end() -> None:
    tree = MetadataTree({"a": {"b": 1}})
    tree.a.back = tree
    assert "back = …" in repr(tree)
    assert "…" in tree._repr_html_()
    assert list(tree.paths()) == [("a.b", 1)]
    plain = tree.as_dictionary()
    assert plain["a"]["back"] is plain
    assert type(MetadataTree(plain).a.back.a) is MetadataTree
    copied = copy.deepcopy(tree)
    assert copied.a.back is copied


def test_shared_nodes_do_not_unfold_without_end() -> None:
    node = MetadataTree({"leaf": 1})
    for _ in range(100):
        node = MetadataTree({"left": node, "right": node})
    assert repr(node).endswith("… over 100,000 more")
    assert len(node._repr_html_()) < 1_000_000
    assert node.get_item(".".join(["left"] * 100 + ["x"])) is None
