"""Drafts of OCI specs: what is copied, and what isn't."""

from __future__ import annotations

from typing import Any

import pytest

from nri_cdi.errors import OciSpecError
from nri_cdi.oci import Draft


def _spec() -> dict[str, Any]:
    return {"a": {"b": {"c": [1]}, "d": {}}, "e": [{}], "n": None}


def test_looking_copies_nothing() -> None:
    spec = _spec()
    draft = Draft(spec)
    assert draft.look(dict, "a", "b") is spec["a"]["b"]
    assert draft.look(list, "a", "b", "c") == [1]
    assert draft.spec["a"] is spec["a"]


@pytest.mark.parametrize("keys", [("x",), ("n",), ("n", "x"), ("a", "d", "x", "y")])
def test_what_is_absent_is_none(keys: tuple[str, ...]) -> None:
    assert Draft(_spec()).look(dict, *keys) is None


def test_only_the_way_to_a_change_is_copied_and_only_once() -> None:
    spec = _spec()
    draft = Draft(spec)
    own = draft.own_list("a", "b", "c")
    own.append(2)
    assert draft.own_list("a", "b", "c") is own
    draft.own_object("a", "b")["x"] = 1
    draft.own_object()["y"] = 2
    assert draft.spec == {**spec, "a": {"b": {"c": [1, 2], "x": 1}, "d": {}}, "y": 2}
    assert draft.spec["a"]["d"] is spec["a"]["d"]
    assert draft.spec["e"] is spec["e"]
    assert spec == _spec()
    assert draft.look(list, "a", "b", "c") is own


def test_what_is_absent_is_made_in_order() -> None:
    draft = Draft(_spec())
    draft.own_list("n", "list").append(1)
    draft.own_object("x", "y")
    assert list(draft.spec) == ["a", "e", "n", "x"]
    assert (draft.spec["n"], draft.spec["x"]) == ({"list": [1]}, {"y": {}})


def test_messages_name_the_spec() -> None:
    with pytest.raises(OciSpecError) as caught:
        Draft(_spec()).own_list("a")
    assert str(caught.value) == "OCI spec: a: expected an array, got an object"
    assert caught.value.problems[0].rule == "wrong-type"
    with pytest.raises(OciSpecError) as caught:
        Draft({"mounts": [{}], "Other": []}, "config.json").own_object("mounts", "x")
    assert str(caught.value) == "config.json: mounts: expected an object, got an array"
    with pytest.raises(OciSpecError) as caught:
        Draft({"a": {"B": 1}}, "config.json").look(int, "a", "b")
    assert str(caught.value) == "config.json: a.B: the key must be written 'b'"
    assert caught.value.problems[0].rule == "wrong-case"


TOO = ", and that is there too: leave one out"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"A": {}}, "A: the key must be written 'a'"),
        ({"a": {}, "A": None}, f"A: the key must be written 'a'{TOO}"),
        ({"a": {"SK": 1}}, "a.SK: the key must be written 'sk'"),
        ({"a": {"Sk": 1, "sk": 2}}, f"a.Sk: the key must be written 'sk'{TOO}"),
        # The letters that Go takes for s and k: a long s, and the sign for kelvin.
        (
            {"a": {"sk": 2, "\u017fk": 1}},
            f"a.\u017fk: the key must be written 'sk'{TOO}",
        ),
        (
            {"a": {"sk": 2, "s\u212a": 1}},
            f"a.s\u212a: the key must be written 'sk'{TOO}",
        ),
    ],
)
def test_a_key_in_another_case_is_refused_be_the_right_one_there_or_not(
    spec: dict[str, Any], message: str
) -> None:
    for use in (Draft(spec).own_list, lambda *keys: Draft(spec).look(list, *keys)):
        with pytest.raises(OciSpecError) as caught:
            use("a", "sk")
        assert str(caught.value) == f"OCI spec: {message}"
        assert caught.value.problems[0].rule == "wrong-case"


def test_keys_that_no_edit_uses_may_have_any_case() -> None:
    spec = {"a": {"sk": 1, "\u00dfk": 2, "sks": 3}, "B": 1, "b": 2}
    assert Draft(spec).look(int, "a", "sk") == 1


@pytest.mark.parametrize(("spec", "kind"), [([], "an array"), (None, "null")])
def test_what_is_no_object_is_refused(spec: Any, kind: str) -> None:
    with pytest.raises(OciSpecError) as caught:
        Draft(spec, "config.json")
    assert str(caught.value) == f"config.json: expected an object, got {kind}"


@pytest.mark.parametrize(
    ("kind", "items", "place"),
    [
        (int, [1, None, True], "a.b[2]: expected an integer, got a boolean"),
        (str, ["", 1.5], "a.b[1]: expected a string, got a fraction"),
        (dict, [{}, None, set()], "a.b[2]: expected an object, got Python's set"),
    ],
)
def test_items_are_of_one_kind_or_null(
    kind: type, items: list[Any], place: str
) -> None:
    draft = Draft({})
    draft.check_items(kind, items[:-1], "a", "b")
    with pytest.raises(OciSpecError) as caught:
        draft.check_items(kind, items, "a", "b")
    assert str(caught.value) == f"OCI spec: {place}"
