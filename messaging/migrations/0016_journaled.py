from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("messaging", "0015_lists")]

    operations = []
