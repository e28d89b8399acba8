from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("retention", "0012_items_and_holds")]

    operations = []
