from django.db import migrations, models

# What a deletion blanked until now; of the staff log nobody recorded which rows went whole.
BLANKED = {
    "accounts.Invoice": ["customer_id"],
    "admin.LogEntry": ["object_id", "object_repr", "change_message"],
}


def say_what_is_known(apps, schema_editor):
    """Every deletion that was carried out kept a fingerprint: one that kept nothing recorded nothing."""
    requests = apps.get_model("retention", "DeletionRequest").objects
    requests.filter(state="finished", kept=[], removed={}).update(kept=None, removed=None)
    for request in requests.filter(removed__has_any_keys=list(BLANKED)):
        request.blanked = {
            name: {"count": count, "fields": BLANKED[name]}
            for name, count in request.removed.items()
            if name in BLANKED
        }
        request.save(update_fields=["blanked"])


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
        migrations.AlterField(
            model_name='deletionrequest',
            name='removed',
            field=models.JSONField(default=dict, null=True, verbose_name='deleted, per class'),
        ),
        migrations.AlterField(
            model_name='deletionrequest',
            name='kept',
            field=models.JSONField(default=list, null=True, verbose_name='kept, per class'),
        ),
        migrations.AddField(
            model_name='deletionrequest',
            name='blanked',
            field=models.JSONField(default=dict, editable=False, verbose_name='blanked, per class'),
        ),
        migrations.AddField(
            model_name='deletionstep',
            name='blanked',
            field=models.BigIntegerField(default=0, verbose_name='blanked'),
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
        migrations.RunPython(say_what_is_known, migrations.RunPython.noop),
    ]
