"""Tests that drop, erase or enforce do it as the keeper, as its worker does."""

from collections.abc import Iterator

import pytest

from foundation.roles import KEEPER, as_role


@pytest.fixture
def keeper(db: None) -> Iterator[None]:
    with as_role(KEEPER):
        yield
