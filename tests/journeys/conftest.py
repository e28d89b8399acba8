"""People of the journeys: a member of staff who is signed in with both factors."""

import pytest

from tests.journeys.office import Office


@pytest.fixture
def office(db: None) -> Office:
    return Office()
