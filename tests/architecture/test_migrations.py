"""The models and their migrations say the same."""

from pathlib import Path

import pytest
from django.apps import AppConfig, apps
from django.conf import settings
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddIndex, CreateModel

# Of tables with few rows: suppressed addresses, and requests of as long as proof is kept.
OF_FEW_ROWS = {"deletionrequest", "privacyrequest", "suppression"}


@pytest.mark.django_db
def test_every_change_of_a_model_has_its_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_no_index_is_built_while_everybody_waits() -> None:
    """On a table that stands already, an index is built beside the writers."""
    loader = MigrationLoader(None)
    ours = {config.label for config in apps.get_app_configs() if is_ours(config)}
    for (app, name), migration in loader.disk_migrations.items():
        if app not in ours:
            continue
        made = {each.name_lower for each in migration.operations if isinstance(each, CreateModel)}
        for each in migration.operations:
            if type(each) is AddIndex and each.model_name_lower not in made:
                assert each.model_name_lower in OF_FEW_ROWS, f"{app}.{name}: {each.index.name}"


def is_ours(config: AppConfig) -> bool:
    return Path(config.path).parent == Path(settings.BASE_DIR)
