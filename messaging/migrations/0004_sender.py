import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import foundation.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('messaging', '0003_incoming'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='MailImage',
            fields=[
                ('id', models.UUIDField(db_default=foundation.ids.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ('digest', models.CharField(editable=False, max_length=64, unique=True)),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('content_type', models.CharField(editable=False, max_length=20)),
                ('width', models.PositiveIntegerField(editable=False)),
                ('height', models.PositiveIntegerField(editable=False)),
                ('size', models.PositiveIntegerField(editable=False)),
                ('data', models.BinaryField()),
                ('uploaded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'verbose_name': 'picture',
                'verbose_name_plural': 'pictures',
                'ordering': ['-uploaded_at'],
            },
        ),
        migrations.CreateModel(
            name='Segment',
            fields=[
                ('id', models.UUIDField(db_default=foundation.ids.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100, unique=True, verbose_name='name')),
                ('countries', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=2), blank=True, default=list, verbose_name='countries')),
                ('languages', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=5), blank=True, default=list, verbose_name='languages')),
                ('since_from', models.DateField(blank=True, null=True, verbose_name='customer since, from')),
                ('since_until', models.DateField(blank=True, null=True, verbose_name='customer since, until')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'verbose_name': 'segment',
                'verbose_name_plural': 'segments',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='SendingLimit',
            fields=[
                ('id', models.UUIDField(db_default=foundation.ids.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ('domain', models.CharField(blank=True, help_text='Such as gmail.com. Empty: everything that leaves.', max_length=255, unique=True, verbose_name="recipients' domain")),
                ('per_minute', models.PositiveIntegerField(verbose_name='messages a minute')),
                ('burst', models.PositiveIntegerField(default=1, help_text='How many may leave together after a rest.', verbose_name='at once')),
                ('next_at', models.DateTimeField(editable=False, null=True)),
            ],
            options={
                'verbose_name': 'sending limit',
                'verbose_name_plural': 'sending limits',
                'ordering': ['domain'],
            },
        ),
        migrations.AlterModelOptions(
            name='serviceannouncement',
            options={'ordering': ['-created_at'], 'permissions': [('approve_serviceannouncement', 'Can approve service announcements'), ('send_standing_text', 'Can send a standing text when on call')], 'verbose_name': 'service announcement', 'verbose_name_plural': 'service announcements'},
        ),
        migrations.AddField(
            model_name='campaign',
            name='edited_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='campaign',
            name='edited_by',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='campaign',
            name='in_customers_zone',
            field=models.BooleanField(db_default=False, default=False, help_text='Off: one moment for all.', verbose_name='at that hour where each customer is'),
        ),
        migrations.AddField(
            model_name='campaign',
            name='stop_reason',
            field=models.CharField(blank=True, choices=[('bounces', 'too many addresses do not exist'), ('complaints', 'too many readers reported it as unwanted'), ('too_few', 'fewer than 20 people are left in the segment')], db_default='', default='', editable=False, max_length=12),
        ),
        migrations.AddField(
            model_name='message',
            name='delivered_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='providerevent',
            name='mailing_id',
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name='serviceannouncement',
            name='edited_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='serviceannouncement',
            name='edited_by',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='serviceannouncement',
            name='is_standing',
            field=models.BooleanField(db_default=False, default=False, help_text='Approved beforehand; at night one person on call may send a copy of it.', verbose_name='standing text for incidents'),
        ),
        migrations.AddField(
            model_name='serviceannouncement',
            name='prepared_from',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='copies', to='messaging.serviceannouncement'),
        ),
        migrations.AddField(
            model_name='serviceannouncement',
            name='review_note',
            field=models.TextField(blank=True, db_default='', default='', editable=False),
        ),
        migrations.AddField(
            model_name='serviceannouncement',
            name='reviewed_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='serviceannouncement',
            name='reviewed_by',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='serviceannouncement',
            name='sent_by',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='serviceannouncement',
            name='writers',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), blank=True, db_default=[], default=list, editable=False, size=None),
        ),
        migrations.AddField(
            model_name='serviceannouncement',
            name='stop_reason',
            field=models.CharField(blank=True, choices=[('bounces', 'too many addresses do not exist'), ('complaints', 'too many readers reported it as unwanted'), ('too_few', 'fewer than 20 people are left in the segment')], db_default='', default='', editable=False, max_length=12),
        ),
        migrations.AddConstraint(
            model_name='serviceannouncement',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('is_standing', False), ('prepared_from', None)), ('category', 'incident'), _connector='OR'), name='messaging_standing_is_incident'),
        ),
        migrations.AddConstraint(
            model_name='serviceannouncement',
            constraint=models.CheckConstraint(condition=models.Q(('is_standing', False), ('state__in', ['draft', 'approved']), _connector='OR'), name='messaging_standing_never_sent'),
        ),
        migrations.AddField(
            model_name='mailimage',
            name='uploaded_by',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='segment',
            name='created_by',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='campaign',
            name='segment',
            field=models.ForeignKey(blank=True, help_text='Empty: everybody who asked for the topic.', null=True, on_delete=django.db.models.deletion.PROTECT, to='messaging.segment', verbose_name='segment'),
        ),
        migrations.AddConstraint(
            model_name='sendinglimit',
            constraint=models.CheckConstraint(condition=models.Q(('burst__gte', 1), ('per_minute__gte', 1)), name='messaging_limit_moves'),
        ),
        migrations.AddConstraint(
            model_name='segment',
            constraint=models.CheckConstraint(condition=models.Q(('countries', []), ('languages', []), ('since_from', None), ('since_until', None), _negated=True), name='messaging_segment_narrows'),
        ),
        migrations.AddConstraint(
            model_name='segment',
            constraint=models.CheckConstraint(condition=models.Q(('since_from__isnull', True), ('since_until__isnull', True), ('since_from__lte', models.F('since_until')), _connector='OR'), name='messaging_segment_dates_in_order'),
        ),
    ]
