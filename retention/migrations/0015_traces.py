from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("retention", "0014_own_deletes")]

    operations = []
