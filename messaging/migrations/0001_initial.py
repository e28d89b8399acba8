import django.db.models.deletion
import django.db.models.functions.datetime
import foundation.ids
from django.conf import settings
from django.db import migrations, models

from foundation.partitions import CreatePartitionedModel, forwards


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('consent', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Campaign',
            fields=[
                ('id', models.UUIDField(db_default=foundation.ids.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ('subject_nb', models.CharField(max_length=120, verbose_name='subject (Bokmål)')),
                ('subject_en', models.CharField(max_length=120, verbose_name='subject (English)')),
                ('preheader_nb', models.CharField(blank=True, help_text='Shown after the subject in a list of mails.', max_length=150, verbose_name='preview line (Bokmål)')),
                ('preheader_en', models.CharField(blank=True, max_length=150, verbose_name='preview line (English)')),
                ('body_nb', models.TextField(help_text='Markdown.', verbose_name='text (Bokmål)')),
                ('body_en', models.TextField(help_text='Markdown.', verbose_name='text (English)')),
                ('state', models.CharField(choices=[('draft', 'draft'), ('approved', 'approved'), ('sending', 'sending'), ('paused', 'paused'), ('cancelled', 'cancelled'), ('finished', 'finished')], default='draft', editable=False, max_length=10, verbose_name='state')),
                ('send_at', models.DateTimeField(blank=True, help_text='Empty: when you press send.', null=True, verbose_name='send at')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('approved_at', models.DateTimeField(editable=False, null=True)),
                ('resolved_at', models.DateTimeField(editable=False, null=True)),
                ('resolved_through', models.UUIDField(editable=False, null=True)),
                ('resolved', models.BooleanField(default=False, editable=False)),
                ('finished_at', models.DateTimeField(editable=False, null=True)),
                ('number', models.IntegerField(editable=False, unique=True)),
                ('approved_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('author', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('topic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='consent.topic', verbose_name='topic')),
            ],
            options={
                'verbose_name': 'campaign',
                'verbose_name_plural': 'campaigns',
                'ordering': ['-created_at'],
            },
        ),
        CreatePartitionedModel(
            name='Message',
            fields=[
                ('id', models.UUIDField(db_default=foundation.ids.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('account', 'account mail'), ('service', 'service announcement'), ('optional', 'optional mail')], max_length=8)),
                ('priority', models.SmallIntegerField()),
                ('purpose', models.CharField(max_length=60)),
                ('mailing_id', models.UUIDField(null=True)),
                ('person_id', models.UUIDField(null=True)),
                ('topic_id', models.UUIDField(null=True)),
                ('to_address', models.CharField(blank=True, max_length=320)),
                ('language', models.CharField(max_length=5)),
                ('sender', models.CharField(blank=True, max_length=320)),
                ('subject', models.TextField(blank=True)),
                ('text', models.TextField(blank=True)),
                ('html', models.TextField(blank=True)),
                ('state', models.CharField(choices=[('queued', 'queued'), ('claimed', 'claimed'), ('handing', 'being handed over'), ('sent', 'sent'), ('withheld', 'withheld'), ('failed', 'failed'), ('in_doubt', 'in doubt')], default='queued', max_length=8)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('attempts', models.SmallIntegerField(default=0)),
                ('not_before', models.DateTimeField()),
                ('lease', models.UUIDField(null=True)),
                ('lease_until', models.DateTimeField(null=True)),
                ('queued_at', models.DateTimeField()),
                ('handed_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'message',
                'verbose_name_plural': 'outbox',
                'indexes': [models.Index(condition=models.Q(('state', 'queued')), fields=['priority', 'not_before'], name='messaging_queue'), models.Index(condition=models.Q(('state__in', ['claimed', 'handing'])), fields=['lease_until'], name='messaging_leases'), models.Index(fields=['mailing_id', 'state'], name='messaging_progress'), models.Index(fields=['person_id'], name='messaging_person')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('kind', 'optional'), ('person_id__isnull', False), ('topic_id__isnull', False)), models.Q(('kind__in', ['account', 'service']), ('topic_id__isnull', True)), _connector='OR'), name='messaging_optional_has_topic')],
            },
        ),
        migrations.CreateModel(
            name='ServiceAnnouncement',
            fields=[
                ('id', models.UUIDField(db_default=foundation.ids.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ('subject_nb', models.CharField(max_length=120, verbose_name='subject (Bokmål)')),
                ('subject_en', models.CharField(max_length=120, verbose_name='subject (English)')),
                ('preheader_nb', models.CharField(blank=True, help_text='Shown after the subject in a list of mails.', max_length=150, verbose_name='preview line (Bokmål)')),
                ('preheader_en', models.CharField(blank=True, max_length=150, verbose_name='preview line (English)')),
                ('body_nb', models.TextField(help_text='Markdown.', verbose_name='text (Bokmål)')),
                ('body_en', models.TextField(help_text='Markdown.', verbose_name='text (English)')),
                ('state', models.CharField(choices=[('draft', 'draft'), ('approved', 'approved'), ('sending', 'sending'), ('paused', 'paused'), ('cancelled', 'cancelled'), ('finished', 'finished')], default='draft', editable=False, max_length=10, verbose_name='state')),
                ('send_at', models.DateTimeField(blank=True, help_text='Empty: when you press send.', null=True, verbose_name='send at')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('approved_at', models.DateTimeField(editable=False, null=True)),
                ('resolved_at', models.DateTimeField(editable=False, null=True)),
                ('resolved_through', models.UUIDField(editable=False, null=True)),
                ('resolved', models.BooleanField(default=False, editable=False)),
                ('finished_at', models.DateTimeField(editable=False, null=True)),
                ('category', models.CharField(choices=[('maintenance', 'maintenance'), ('incident', 'incident'), ('security', 'security'), ('terms', 'terms'), ('billing', 'billing')], max_length=12, verbose_name='category')),
                ('approved_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('author', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'service announcement',
                'verbose_name_plural': 'service announcements',
                'ordering': ['-created_at'],
            },
        ),
        migrations.RunPython(forwards("messaging_message"), migrations.RunPython.noop),
    ]
