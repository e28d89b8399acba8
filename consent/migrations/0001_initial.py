import django.db.models.deletion
import django.db.models.functions.datetime
import foundation.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Leaf',
            fields=[
                ('index', models.BigIntegerField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('consent', 'consent event'), ('access', 'access event')], default='consent', max_length=10)),
                ('event_id', models.UUIDField(unique=True)),
                ('hash', models.BinaryField(max_length=32)),
                ('sealed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'verbose_name': 'log leaf',
                'verbose_name_plural': 'log leaves',
            },
        ),
        migrations.CreateModel(
            name='Topic',
            fields=[
                ('id', models.UUIDField(db_default=foundation.ids.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ('number', models.SmallIntegerField(help_text='Names the topic in links.', unique=True)),
                ('slug', models.SlugField(unique=True)),
                ('kind', models.CharField(choices=[('mail', 'optional mail'), ('tailoring', 'tailoring by profile'), ('reference', 'reference activity')], default='mail', max_length=10)),
                ('position', models.SmallIntegerField(default=0)),
                ('wording_version', models.SmallIntegerField(default=1)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('retired_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name': 'topic',
                'verbose_name_plural': 'topics',
                'ordering': ['position', 'number'],
            },
        ),
        migrations.CreateModel(
            name='ConsentDetail',
            fields=[
                ('id', models.UUIDField(db_default=foundation.ids.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ('person_id', models.UUIDField()),
                ('topic_id', models.UUIDField()),
                ('version', models.IntegerField()),
                ('state_before', models.CharField(blank=True, max_length=10)),
                ('state', models.CharField(choices=[('granted', 'yes'), ('refused', 'no'), ('withdrawn', 'no longer')], max_length=10)),
                ('paused_until', models.DateTimeField(null=True)),
                ('paused_until_before', models.DateTimeField(null=True)),
                ('undone', models.BooleanField(default=False)),
                ('source', models.CharField(choices=[('signup', 'at sign-up'), ('preferences', 'in the preference centre'), ('one_click', 'with the button in the mail program'), ('link', 'with the link in an email'), ('mail_preferences', 'in the preference centre, from an email'), ('confirmed', 'confirmed by email'), ('mailto', 'by email'), ('complaint', 'reported as unwanted'), ('provider', 'at the mail provider'), ('staff', 'by our staff, at your request'), ('api', 'by another system'), ('import', 'imported, wording unknown')], max_length=20)),
                ('actor', models.CharField(max_length=50)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('language', models.CharField(blank=True, max_length=5)),
                ('wording_version', models.SmallIntegerField(null=True)),
                ('mailing', models.IntegerField(default=0)),
                ('at', models.DateTimeField()),
                ('received_at', models.DateTimeField(null=True)),
                ('salt', models.BinaryField(max_length=16)),
            ],
            options={
                'verbose_name': 'consent event',
                'verbose_name_plural': 'consent events',
                'ordering': ['-at', '-version'],
                'indexes': [models.Index(fields=['at'], name='consent_detail_at')],
                'constraints': [models.UniqueConstraint(fields=('person_id', 'topic_id', 'version'), name='consent_detail_version')],
            },
        ),
        migrations.CreateModel(
            name='Suppression',
            fields=[
                ('id', models.UUIDField(db_default=foundation.ids.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ('key_id', models.SmallIntegerField()),
                ('address_hash', models.BinaryField(max_length=32)),
                ('reason', models.CharField(choices=[('erased', 'erased on request'), ('hard_bounce', 'the address does not exist'), ('complaint', 'reported as unwanted'), ('provider', "on the mail provider's list")], max_length=12)),
                ('since', models.DateTimeField()),
                ('review_on', models.DateField()),
            ],
            options={
                'verbose_name': 'suppression',
                'verbose_name_plural': 'suppressions',
                'constraints': [models.UniqueConstraint(fields=('address_hash', 'key_id', 'reason'), name='consent_suppression_once')],
            },
        ),
        migrations.CreateModel(
            name='Preference',
            fields=[
                ('id', models.UUIDField(db_default=foundation.ids.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ('state', models.CharField(choices=[('granted', 'yes'), ('refused', 'no'), ('withdrawn', 'no longer')], max_length=10)),
                ('paused_until', models.DateTimeField(blank=True, null=True)),
                ('version', models.IntegerField(default=1)),
                ('source', models.CharField(choices=[('signup', 'at sign-up'), ('preferences', 'in the preference centre'), ('one_click', 'with the button in the mail program'), ('link', 'with the link in an email'), ('mail_preferences', 'in the preference centre, from an email'), ('confirmed', 'confirmed by email'), ('mailto', 'by email'), ('complaint', 'reported as unwanted'), ('provider', 'at the mail provider'), ('staff', 'by our staff, at your request'), ('api', 'by another system'), ('import', 'imported, wording unknown')], max_length=20)),
                ('since', models.DateTimeField()),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='preferences', to=settings.AUTH_USER_MODEL)),
                ('topic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='preferences', to='consent.topic')),
            ],
            options={
                'verbose_name': 'preference',
                'verbose_name_plural': 'preferences',
                'indexes': [models.Index(condition=models.Q(('state', 'granted')), fields=['topic', 'person'], name='consent_preference_granted')],
                'constraints': [models.UniqueConstraint(fields=('person', 'topic'), name='consent_preference_once'), models.CheckConstraint(condition=models.Q(('state__in', ['granted', 'refused', 'withdrawn'])), name='consent_preference_state'), models.CheckConstraint(condition=models.Q(('paused_until__isnull', True), ('state', 'granted'), _connector='OR'), name='consent_only_a_yes_pauses')],
            },
        ),
        migrations.CreateModel(
            name='TopicWording',
            fields=[
                ('id', models.UUIDField(db_default=foundation.ids.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ('version', models.SmallIntegerField()),
                ('name_nb', models.CharField(max_length=80)),
                ('name_en', models.CharField(max_length=80)),
                ('description_nb', models.CharField(max_length=300)),
                ('description_en', models.CharField(max_length=300)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('topic', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='wordings', to='consent.topic')),
            ],
            options={
                'verbose_name': 'topic wording',
                'verbose_name_plural': 'topic wordings',
                'constraints': [models.UniqueConstraint(fields=('topic', 'version'), name='consent_wording_version')],
            },
        ),
    ]
