"""Who holds which devices, and who can't have them for that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.holders import Claim, Holder, Holders
from nri_cdi.policy import matcher


def held(
    container_id: str,
    *devices: str,
    pod_uid: str = "",
    container: str = "main",
    **nodes: set[str],
) -> Holder:
    return Holder(
        namespace="ns",
        pod=f"pod-{container_id}",
        container=container,
        container_id=container_id,
        pod_uid=pod_uid or f"uid-{container_id}",
        devices=devices,
        nodes={name: frozenset(paths) for name, paths in nodes.items()},
    )


EVERY = matcher(("*",))
NOTHING = matcher(("-",))


def test_a_device_has_the_holders_that_were_added() -> None:
    holders = Holders()
    first, second = held("1", "a", "b"), held("2", "b")
    holders.add(first)
    holders.add(second)
    assert holders.all() == (first, second)
    assert holders.of("a") == (first,)
    assert holders.of("b") == (first, second)
    assert holders.of("c") == ()


def test_a_container_that_is_gone_holds_nothing() -> None:
    holders = Holders()
    holders.add(held("1", "a", a={"/dev/a"}))
    holders.remove("1")
    holders.remove("1")
    assert holders.all() == ()
    assert holders.conflict(held("2", "a", a={"/dev/a"}), EVERY) is None


def test_the_containers_of_a_pod_go_with_its_sandbox() -> None:
    holders = Holders()
    old, new = held("1", "a", pod_uid="uid"), held("2", "b", pod_uid="uid")
    holders.add(old._replace(pod_id="first", container="one"))
    holders.add(new._replace(pod_id="second", container="two"))
    holders.remove_pod("first")
    assert [each.container_id for each in holders.all()] == ["2"]


def test_the_same_name_is_the_same_device() -> None:
    holders = Holders()
    first = held("1", "a")
    holders.add(first)
    claim = Claim(device="a", held="a", holder=first)
    assert holders.conflict(held("2", "b", "a"), EVERY) == claim
    assert holders.conflict(held("2", "b"), EVERY) is None
    assert holders.conflict(held("2", "a"), NOTHING) is None


NODES: tuple[tuple[str, set[str], set[str], bool], ...] = (
    ("another name of it", {"gpu0"}, {"gpu0"}, True),
    ("all of them", {"gpu0"}, {"gpu0", "gpu1"}, True),
    ("one of all", {"gpu0", "gpu1"}, {"gpu0"}, True),
    ("two instances share a node", {"gpu0", "gi1"}, {"gpu0", "gi2"}, False),
    ("nothing in common", {"gpu0"}, {"gpu1"}, False),
    ("no nodes at all", set(), set(), False),
    ("nodes and none", {"gpu0"}, set(), False),
)


@pytest.mark.parametrize(
    ("there", "asked", "excluded"),
    [row[1:] for row in NODES],
    ids=[r[0] for r in NODES],
)
def test_a_device_excludes_those_that_its_nodes_cover(
    there: set[str], asked: set[str], excluded: bool
) -> None:
    holders = Holders()
    first = held("1", "a", a=there)
    holders.add(first)
    conflict = holders.conflict(held("2", "b", b=asked), EVERY)
    expected = Claim(device="b", held="a", holder=first) if excluded else None
    assert conflict == expected


@pytest.mark.parametrize("pattern", ["asked", "there"])
def test_one_of_the_two_need_be_exclusive(pattern: str) -> None:
    holders = Holders()
    holders.add(held("1", "there", there={"/dev/a"}))
    asking = held("2", "asked", asked={"/dev/a"})
    assert holders.conflict(asking, matcher((pattern,))) is not None


def test_a_container_is_in_no_conflict_with_itself() -> None:
    holders = Holders()
    holders.add(held("1", "a", a={"/dev/a"}))
    again = held("1", "a", "b", a={"/dev/a"}, b={"/dev/a"})
    assert holders.conflict(again, EVERY) is None


def test_a_container_of_the_same_name_takes_the_place_of_the_one_before() -> None:
    holders = Holders()
    holders.add(held("1", "a", pod_uid="u"))
    after = held("2", "a", pod_uid="u")
    assert holders.conflict(after, EVERY) is None
    holders.add(after)
    assert holders.all() == (after,)
    sidecar = held("3", "a", pod_uid="u", container="sidecar")
    assert holders.conflict(sidecar, EVERY) is not None


def test_pods_without_uid_are_not_taken_for_one() -> None:
    first, second = held("1", "a"), held("2", "a")
    nameless = [
        Holder(
            namespace=each.namespace,
            pod=each.pod,
            container="main",
            container_id=each.container_id,
            pod_uid="",
            devices=each.devices,
        )
        for each in (first, second)
    ]
    assert not nameless[1].is_successor_of(nameless[0])


def test_to_replace_forgets_what_was_there() -> None:
    holders = Holders()
    holders.add(held("1", "a", a={"/dev/a"}))
    second = held("2", "b")
    holders.replace([second])
    assert holders.all() == (second,)
    assert holders.conflict(held("3", "a", a={"/dev/a"}), EVERY) is None


_IDS = st.sampled_from("123")
_DEVICES = st.lists(st.sampled_from("abc"), max_size=3, unique=True)


@given(steps=st.lists(st.tuples(_IDS, st.none() | _DEVICES), max_size=12))
def test_what_is_held_follows_from_the_last_word_of_each_container(
    steps: list[tuple[str, list[str] | None]],
) -> None:
    holders, model = Holders(), dict[str, list[str]]()
    for container_id, devices in steps:
        model.pop(container_id, None)
        if devices is None:
            holders.remove(container_id)
        else:
            nodes = {name: frozenset({f"/dev/{name}"}) for name in devices}
            holders.add(held(container_id, *devices)._replace(nodes=nodes))
            model[container_id] = devices
    assert {each.container_id for each in holders.all()} == model.keys()
    for name in "abc":
        ids = {each.container_id for each in holders.of(name)}
        assert ids == {key for key, devices in model.items() if name in devices}
        asking = held("new", "x", x={f"/dev/{name}"})
        assert (holders.conflict(asking, EVERY) is not None) == bool(ids)
