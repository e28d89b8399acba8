from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("retention", "0011_held_and_resumed")]

    operations = []
