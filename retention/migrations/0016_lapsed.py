from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("retention", "0015_traces")]

    operations = []
