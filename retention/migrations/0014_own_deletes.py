from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("retention", "0013_receipts")]

    operations = []
