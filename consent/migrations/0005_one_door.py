"""A choice changes through functions of the database only; the application cannot write it."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("consent", "0004_log_rights")]

    operations = []
