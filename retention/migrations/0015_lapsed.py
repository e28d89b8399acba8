"""A request that nobody confirmed in time says so: it was not taken back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("retention", "0014_traces")]

    operations = [
        migrations.AddField(
            model_name="deletionrequest",
            name="lapsed",
            field=models.BooleanField(
                db_default=False, default=False, editable=False, verbose_name="lapsed"
            ),
        ),
        migrations.AddConstraint(
            model_name="deletionrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("lapsed", False), ("state", "withdrawn"), _connector="OR"),
                name="retention_lapsed_is_over",
            ),
        ),
    ]
