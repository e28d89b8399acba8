from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('retention', '0003_journal'),
    ]

    operations = [
        migrations.AddField(
            model_name='deletionrequest',
            name='journal_position',
            field=models.BigIntegerField(null=True, verbose_name='record of the journal'),
        ),
        migrations.AddField(
            model_name='deletionrequest',
            name='journal_chain',
            field=models.BinaryField(max_length=32, null=True),
        ),
        migrations.AddField(
            model_name='deletionrequest',
            name='announcement',
            field=models.UUIDField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='deletionrequest',
            name='announced',
            field=models.PositiveSmallIntegerField(default=0, verbose_name='systems told'),
        ),
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
