"""Tests of the account count the statements of a page, and those of no other."""

import pytest

from foundation import standstill


@pytest.fixture
def nothing_stands_still(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked before: the portal looks once a second, in whatever page that happens to be."""
    monkeypatch.setattr(standstill, "FRESH_SECONDS", 3600.0)
    standstill.forget()
    assert not standstill.why()
