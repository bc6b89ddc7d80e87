"""What is put right in a child process, and nowhere else."""

from __future__ import annotations

import gc
import weakref

from nri_cdi.cdi.forking import after_fork, mend_all
from tests.unit.cdi.children import holds_in_child


class Owner:
    """Something that has to be put right."""

    def __init__(self) -> None:
        self.mended = 0
        after_fork(self, Owner.mend)

    def mend(self) -> None:
        self.mended += 1


def test_a_child_is_put_right_and_the_parent_left_alone() -> None:
    owners = Owner(), Owner()
    assert holds_in_child(lambda: [each.mended for each in owners] == [1, 1])
    assert [each.mended for each in owners] == [0, 0]


def test_all_that_is_left_is_put_right() -> None:
    kept, gone = Owner(), Owner()
    watched = weakref.ref(gone)
    del gone
    gc.collect()
    assert watched() is None
    mend_all()
    assert kept.mended == 1
