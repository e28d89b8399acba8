"""Our staff, who write to customers through the admin pages; and the workers, run by hand."""

from allauth.mfa.totp.internal.auth import TOTP
from django.utils import timezone

from foundation.roles import KEEPER, SENDER, as_role
from messaging import services as messaging
from retention import services as retention
from tests.factories import make_staff, topic
from tests.journeys.authenticator import code_now
from tests.journeys.visitor import Visitor
from tests.staff.sign_in import PASSWORD, SECRET


class Office(Visitor):
    """A member of staff who signed in with password and authenticator."""

    def __init__(self) -> None:
        super().__init__("en")
        boss = make_staff(username="sjefen", password=PASSWORD, language="en")
        TOTP.activate(boss, SECRET)
        self.open("/admin/")
        assert self.path == "/login/"
        self.send(login="sjefen", password=PASSWORD)
        assert self.path == "/account/security/authenticate/"
        self.send(code=code_now(SECRET))
        assert self.path == "/admin/"

    def write_newsletter(self, subject: str) -> None:
        """From the empty form to the running mailing."""
        self.open("/admin/messaging/campaign/add/")
        self.write(subject, topic=str(topic().pk))

    def write_announcement(self, subject: str) -> None:
        self.open("/admin/messaging/serviceannouncement/add/")
        self.write(subject, category="maintenance")

    def write(self, subject: str, **fields: str) -> None:
        texts = {
            f"{part}_{code}": f"{subject} {code}"
            for part in ("subject", "preheader", "body")
            for code in ("nb", "en")
        }
        self.send("_continue", **texts, **fields)
        steps = self.path.removesuffix("change/") + "step/"
        self.send_to(f"{steps}approve/")
        self.send_to(f"{steps}start/")


def resolve() -> None:
    """The mail worker looks who gets what is being sent."""
    with as_role(SENDER):
        messaging.run_mailings(now=timezone.now())


def deliver() -> None:
    """The mail worker hands over what waits, over SMTP."""
    with as_role(SENDER):
        messaging.run_mailings(now=timezone.now())
        messaging.deliver_pending()


def erase() -> None:
    """The keeper's worker carries out what was asked."""
    with as_role(KEEPER):
        retention.run_deletions(timezone.now())
