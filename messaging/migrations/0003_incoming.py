import foundation.ids
from django.db import migrations, models

from foundation.partitions import CreatePartitionedModel, forwards


class Migration(migrations.Migration):

    dependencies = [
        ('messaging', '0002_rights'),
    ]

    operations = [
        CreatePartitionedModel(
            name='ProviderEvent',
            fields=[
                ('id', models.UUIDField(db_default=foundation.ids.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('mailto', 'request by email to stop'), ('complaint', 'reported as unwanted'), ('unsubscribe', 'unsubscribed at the mail provider'), ('hard_bounce', 'came back: the address does not exist'), ('soft_bounce', 'came back for now'), ('auto_reply', 'automatic reply'), ('other', 'something else')], max_length=12)),
                ('outcome', models.CharField(choices=[('applied', 'done'), ('nothing', 'nothing to do'), ('unknown', 'to be looked at')], max_length=8)),
                ('why', models.CharField(blank=True, max_length=20)),
                ('provider', models.CharField(blank=True, max_length=20)),
                ('status', models.CharField(blank=True, max_length=12)),
                ('about', models.CharField(blank=True, max_length=200)),
                ('person_id', models.UUIDField(null=True)),
                ('topic_id', models.UUIDField(null=True)),
                ('message_id', models.UUIDField(null=True)),
                ('happened_at', models.DateTimeField()),
                ('received_at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'incoming event',
                'verbose_name_plural': 'incoming events',
                'indexes': [models.Index(fields=['person_id'], name='messaging_event_person'), models.Index(fields=['outcome', 'kind'], name='messaging_event_outcome')],
            },
        ),
        migrations.CreateModel(
            name='SuppressionComparison',
            fields=[
                ('id', models.UUIDField(db_default=foundation.ids.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ('compared_at', models.DateTimeField()),
                ('provider', models.CharField(max_length=20)),
                ('theirs', models.IntegerField(default=0)),
                ('same', models.IntegerField(default=0)),
                ('added_here', models.IntegerField(default=0)),
                ('added_there', models.IntegerField(default=0)),
                ('removed_there', models.IntegerField(default=0)),
                ('lifted_here', models.IntegerField(default=0)),
                ('not_added_there', models.IntegerField(default=0)),
                ('failed', models.IntegerField(default=0)),
                ('error', models.CharField(blank=True, max_length=200)),
                ('differences', models.JSONField(default=list)),
            ],
            options={
                'verbose_name': 'comparison with the mail provider',
                'verbose_name_plural': 'comparisons with the mail provider',
                'ordering': ['-compared_at'],
            },
        ),
        migrations.RunPython(forwards('messaging_providerevent'), migrations.RunPython.noop),
    ]
