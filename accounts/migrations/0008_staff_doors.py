"""Few see: no superusers, a cap the database counts, roles that another confirmed and none widens.

Held by the database for every process that serves. What it cannot know is who sits before a page:
that the colleague in a confirmation is the one who gave it is the business of the staff site's
sign-in. The role that owns the tables, which only the command line takes, is not bound: somebody
must be able to begin.

Each function says where it looks: who serves may make temporary tables, and these come first where
no path names them last.
"""

from typing import Any, ClassVar

from django.db import migrations, models
from django.utils import timezone

from accounts.roles import Role


def give_superusers_roles(apps: Any, schema_editor: Any) -> None:
    """Whoever might do everything has every role instead, each with its own rights."""
    people, group = apps.get_model("accounts", "User"), apps.get_model("auth", "Group")
    confirmation = apps.get_model("accounts", "StaffConfirmation")
    groups = [group.objects.get_or_create(name=role)[0] for role in Role.values]
    now = timezone.now()
    for person in people.objects.filter(is_superuser=True):
        person.groups.set(groups)
        confirmation.objects.create(person=person, roles=list(Role.values), confirmed_at=now)
        people.objects.filter(pk=person.pk).update(is_staff=True, is_superuser=False)
    # A table is not altered while foreign keys to it wait to be looked at.
    schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


# Rights come by role alone, and what a role may do by a migration alone.
RIGHTS = """
DELETE FROM accounts_user_user_permissions;
REVOKE INSERT, UPDATE, DELETE ON auth_group, auth_group_permissions, auth_permission,
    accounts_staffcap FROM portal_app, portal_keeper;
-- Whoever deletes an account also asks for its rows here.
REVOKE INSERT, UPDATE ON accounts_user_user_permissions FROM portal_app, portal_keeper;
REVOKE UPDATE ON accounts_user_groups FROM portal_app, portal_keeper;
REVOKE INSERT ON accounts_user_groups, accounts_staffinvitation, accounts_staffconfirmation
    FROM portal_keeper;
-- What was said stays said; names may only be forgotten.
REVOKE UPDATE, DELETE ON accounts_staffconfirmation, accounts_staffinvitation FROM portal_app;
GRANT UPDATE (confirmed_by_id, warned_at) ON accounts_staffconfirmation TO portal_app;
GRANT UPDATE (invited_by_id, accepted_by_id, accepted_at, withdrawn_at)
    ON accounts_staffinvitation TO portal_app;
"""

# Two who would both be the last one queue at the row of the cap; without a row nobody is let in.
CAP = """
CREATE FUNCTION accounts_count_staff() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE allowed int;
BEGIN
    SELECT most INTO allowed FROM accounts_staffcap FOR UPDATE;
    IF (SELECT count(*) FROM accounts_user WHERE is_staff AND is_active) > coalesce(allowed, 0)
    THEN
        RAISE EXCEPTION 'no more than % staff accounts', coalesce(allowed, 0)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'accounts_staff_cap',
                  TABLE = 'accounts_user';
    END IF;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION accounts_count_staff() FROM PUBLIC;

CREATE TRIGGER accounts_staff_cap_new AFTER INSERT ON accounts_user FOR EACH ROW
    WHEN (NEW.is_staff AND NEW.is_active) EXECUTE FUNCTION accounts_count_staff();
CREATE TRIGGER accounts_staff_cap_again AFTER UPDATE OF is_staff, is_active ON accounts_user
    FOR EACH ROW WHEN (NEW.is_staff AND NEW.is_active AND NOT (OLD.is_staff AND OLD.is_active))
    EXECUTE FUNCTION accounts_count_staff();
"""

# Who may let others in: an administrator in force, confirmed within the year.
ADMINISTRATOR = """
CREATE FUNCTION accounts_administers(p_person uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM accounts_user u
          JOIN accounts_user_groups r ON r.user_id = u.id
          JOIN auth_group g ON g.id = r.group_id AND g.name = 'administrator'
         WHERE u.id = p_person AND u.is_staff AND u.is_active
           AND EXISTS (SELECT FROM accounts_staffconfirmation c
                        WHERE c.person_id = u.id
                          AND c.confirmed_at > clock_timestamp() - interval '365 days'))
$$;
GRANT EXECUTE ON FUNCTION accounts_administers(uuid) TO portal_app;

CREATE FUNCTION accounts_refuse_staff(p_why text, p_name text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', p_why USING ERRCODE = 'check_violation', CONSTRAINT = p_name;
END $$;
GRANT EXECUTE ON FUNCTION accounts_refuse_staff(text, text) TO portal_app;
"""

INVITATION = """
CREATE FUNCTION accounts_check_invitation() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF current_user = 'portal_owner' THEN
        RETURN NEW;
    ELSIF TG_OP = 'INSERT' THEN
        IF NEW.invited_by_id IS NULL OR NOT accounts_administers(NEW.invited_by_id) THEN
            PERFORM accounts_refuse_staff(
                'an administrator of roles invites', 'accounts_invited_by_administrator');
        END IF;
    ELSIF (NEW.invited_by_id IS NOT NULL AND NEW.invited_by_id IS DISTINCT FROM OLD.invited_by_id)
       OR (OLD.accepted_at IS NOT NULL AND (NEW.accepted_at IS DISTINCT FROM OLD.accepted_at
           OR (NEW.accepted_by_id IS NOT NULL
               AND NEW.accepted_by_id IS DISTINCT FROM OLD.accepted_by_id))) THEN
        PERFORM accounts_refuse_staff('an invitation works once', 'accounts_invitation_once');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER accounts_invitation_checked BEFORE INSERT OR UPDATE ON accounts_staffinvitation
    FOR EACH ROW EXECUTE FUNCTION accounts_check_invitation();
"""

# By an administrator, never oneself; or by nobody, where the command line invited.
CONFIRMATION = """
CREATE FUNCTION accounts_check_confirmation() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF current_user = 'portal_owner' THEN
        RETURN NEW;
    ELSIF TG_OP = 'UPDATE' THEN
        IF NEW.confirmed_by_id IS NOT NULL
           AND NEW.confirmed_by_id IS DISTINCT FROM OLD.confirmed_by_id THEN
            PERFORM accounts_refuse_staff(
                'nobody else confirmed it', 'accounts_confirmation_stays');
        END IF;
    ELSIF NEW.confirmed_at > clock_timestamp() + interval '1 hour' THEN
        PERFORM accounts_refuse_staff(
            'nobody confirms ahead of time', 'accounts_confirmed_in_time');
    ELSIF NEW.confirmed_by_id IS NULL THEN
        IF NOT EXISTS (SELECT FROM accounts_staffinvitation
                        WHERE accepted_by_id = NEW.person_id AND invited_by_id IS NULL
                          AND accepted_at = NEW.confirmed_at AND accepted_at < expires_at
                          AND roles @> NEW.roles) THEN
            PERFORM accounts_refuse_staff(
                'somebody else confirms an account', 'accounts_confirmed_by_administrator');
        END IF;
    ELSIF NEW.confirmed_by_id = NEW.person_id OR NOT accounts_administers(NEW.confirmed_by_id)
    THEN
        PERFORM accounts_refuse_staff(
            'an administrator of roles confirms', 'accounts_confirmed_by_administrator');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER accounts_confirmation_checked BEFORE INSERT OR UPDATE ON accounts_staffconfirmation
    FOR EACH ROW EXECUTE FUNCTION accounts_check_confirmation();
"""

# The newest confirmation names every role that somebody is given, and is of this year.
ROLE = """
CREATE FUNCTION accounts_check_role() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF current_user <> 'portal_owner' AND NOT EXISTS (
        SELECT FROM (SELECT roles, confirmed_at FROM accounts_staffconfirmation
                      WHERE person_id = NEW.user_id
                      ORDER BY confirmed_at DESC, id DESC LIMIT 1) newest
          JOIN auth_group g ON g.id = NEW.group_id AND g.name = ANY (newest.roles)
          JOIN accounts_user u ON u.id = NEW.user_id AND u.is_staff AND u.is_active
         WHERE newest.confirmed_at > clock_timestamp() - interval '365 days')
    THEN
        PERFORM accounts_refuse_staff(
            'a role is given with a confirmation', 'accounts_role_confirmed');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER accounts_role_checked BEFORE INSERT ON accounts_user_groups
    FOR EACH ROW EXECUTE FUNCTION accounts_check_role();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[Any] = [
        ("accounts", "0007_staff_and_access"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations: ClassVar[Any] = [
        migrations.AddField(
            model_name="staffconfirmation",
            name="warned_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.RunPython(give_superusers_roles, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(is_superuser=False), name="accounts_no_superuser"
            ),
        ),
        migrations.CreateModel(
            name="StaffAccount",
            fields=[],
            options={
                "verbose_name": "staff account",
                "verbose_name_plural": "staff accounts",
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("accounts.user",),
        ),
        *(
            migrations.RunSQL(statements, migrations.RunSQL.noop)
            for statements in (RIGHTS, CAP, ADMINISTRATOR, INVITATION, CONFIRMATION, ROLE)
        ),
    ]
