"""A run says under which rule it was, and how much was due of each company of ours."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("retention", "0015_lapsed")]

    operations = [
        migrations.AddField(
            model_name="retentionrun",
            name="version",
            field=models.CharField(default="", editable=False, max_length=32),
        ),
        migrations.AddField(
            model_name="retentionrun",
            name="companies",
            field=models.JSONField(default=dict, editable=False),
        ),
    ]
