import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import django_countries.fields
import foundation.ids
import phonenumber_field.modelfields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='User',
            fields=[
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('id', models.UUIDField(db_default=foundation.ids.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ('username', models.CharField(max_length=60, validators=[django.core.validators.RegexValidator('^[\\w.+-]{3,60}$', 'Use 3 to 60 letters, digits, dots, plus signs, hyphens or underscores.')], verbose_name='user name')),
                ('first_name', models.CharField(blank=True, max_length=100, verbose_name='first name')),
                ('last_name', models.CharField(blank=True, max_length=100, verbose_name='last name')),
                ('email', models.EmailField(max_length=254, verbose_name='e-mail address')),
                ('address', models.CharField(editable=False, max_length=320, unique=True)),
                ('address_hashes', django.contrib.postgres.fields.ArrayField(base_field=models.BinaryField(), editable=False)),
                ('email_confirmed_at', models.DateTimeField(blank=True, null=True, verbose_name='e-mail confirmed')),
                ('phone', phonenumber_field.modelfields.PhoneNumberField(blank=True, max_length=128, region=None, verbose_name='phone')),
                ('company', models.CharField(blank=True, max_length=150, verbose_name='company')),
                ('country', django_countries.fields.CountryField(blank=True, max_length=2, verbose_name='country')),
                ('language', models.CharField(blank=True, max_length=5, verbose_name='language')),
                ('timezone', models.CharField(blank=True, default='Europe/Oslo', max_length=60, verbose_name='time zone')),
                ('support_channel', models.CharField(choices=[('email', 'E-mail'), ('phone', 'Phone')], default='email', max_length=5, verbose_name='answer me by')),
                ('platform_id', models.BigIntegerField(blank=True, null=True, unique=True, verbose_name='customer number')),
                ('signed_up_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='customer since')),
                ('deactivated_at', models.DateTimeField(blank=True, null=True, verbose_name='deactivated')),
                ('is_active', models.BooleanField(default=True, verbose_name='may sign in')),
                ('is_staff', models.BooleanField(default=False, verbose_name='staff')),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'verbose_name': 'customer',
                'verbose_name_plural': 'customers',
            },
        ),
        migrations.CreateModel(
            name='Invoice',
            fields=[
                ('id', models.UUIDField(db_default=foundation.ids.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ('invoice_number', models.CharField(max_length=40, unique=True, verbose_name='invoice number')),
                ('billed_to', models.CharField(max_length=300, verbose_name='billed to')),
                ('amount', models.DecimalField(decimal_places=2, max_digits=12, verbose_name='amount')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('date', models.DateField(verbose_name='date')),
                ('settled_on', models.DateField(blank=True, null=True, verbose_name='transaction ended')),
                ('customer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='invoices', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'invoice',
                'verbose_name_plural': 'invoices',
                'ordering': ['-date'],
            },
        ),
        migrations.CreateModel(
            name='Session',
            fields=[
                ('session_key', models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name='session key')),
                ('session_data', models.TextField(verbose_name='session data')),
                ('expire_date', models.DateTimeField(db_index=True, verbose_name='expire date')),
                ('agent', models.CharField(blank=True, max_length=80)),
                ('started_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('seen_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'session',
                'verbose_name_plural': 'sessions',
                'abstract': False,
            },
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Lower('username'), name='accounts_user_username', violation_error_message='This user name is taken. Choose another.'),
        ),
    ]
