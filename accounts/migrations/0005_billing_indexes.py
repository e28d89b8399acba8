"""Indexes for the end of bills, built while the platform goes on writing invoices.

What a killed run left half built is dropped first, so it goes on where it was.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("accounts", "0004_billing")]

    operations = [
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS accounts_invoice_settled", migrations.RunSQL.noop
        ),
        AddIndexConcurrently(
            "invoice", models.Index(fields=["settled_on"], name="accounts_invoice_settled")
        ),
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS accounts_transaction_ended", migrations.RunSQL.noop
        ),
        AddIndexConcurrently(
            "transaction", models.Index(fields=["ended_on"], name="accounts_transaction_ended")
        ),
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS accounts_invoice_of_nobody", migrations.RunSQL.noop
        ),
        AddIndexConcurrently(
            "invoice",
            models.Index(
                fields=["date"],
                condition=models.Q(customer=None, settled_on=None),
                name="accounts_invoice_of_nobody",
            ),
        ),
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS accounts_transaction_of_nobody",
            migrations.RunSQL.noop,
        ),
        AddIndexConcurrently(
            "transaction",
            models.Index(
                fields=["date"],
                condition=models.Q(customer=None, ended_on=None),
                name="accounts_transaction_of_nobody",
            ),
        ),
    ]
