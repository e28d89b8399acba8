from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('retention', '0003_journal'),
    ]

    operations = [
        migrations.AddField(
            model_name='retentionrun',
            name='longest_batch',
            field=models.DurationField(null=True, verbose_name='longest lock'),
        ),
        migrations.AddField(
            model_name='retentionrun',
            name='refused',
            field=models.CharField(blank=True, default='', max_length=200, verbose_name='not run, because'),
        ),
    ]
