from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("messaging", "0013_program_mails")]

    operations = []
