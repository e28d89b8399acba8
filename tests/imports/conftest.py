"""The customer file of the account system, where the checkout has it beside itself."""

from pathlib import Path

import pytest
from django.conf import settings

CUSTOMERS = Path(settings.BASE_DIR).parent / "shared" / "data" / "customers.csv"


@pytest.fixture
def customers_csv(tmp_path: Path) -> Path:
    """A copy, so that rejected records never land beside the original."""
    if not CUSTOMERS.exists():
        pytest.skip("shared/data/customers.csv is not beside this checkout")
    copy = tmp_path / "customers.csv"
    copy.write_bytes(CUSTOMERS.read_bytes())
    return copy
