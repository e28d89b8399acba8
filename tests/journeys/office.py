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

    def __init__(self, username: str = "sjefen") -> None:
        super().__init__("en")
        self.colleague: Office | None = None
        person = make_staff(username=username, password=PASSWORD, language="en")
        TOTP.activate(person, SECRET)
        self.open("/admin/")
        assert self.path == "/login/"
        self.send(login=username, password=PASSWORD)
        assert self.path == "/account/security/authenticate/"
        self.send(code=code_now(SECRET))
        assert self.path == "/admin/"

    def write_newsletter(self, subject: str) -> None:
        """From the empty form to the running mailing."""
        self.open("/admin/messaging/campaign/add/")
        steps = self.write(subject, topic=str(topic().pk))
        self.send_to(f"{steps}approve/")
        self.send_to(f"{steps}start/")

    def write_announcement(self, subject: str) -> None:
        """As above, but a colleague reads and approves what this one wrote."""
        self.open("/admin/messaging/serviceannouncement/add/")
        steps = self.write(subject, category="maintenance")
        page = self.path
        colleague = self.colleague = self.colleague or Office("kollegaen")
        colleague.open(page)
        colleague.send_to(f"{steps}approve/")
        self.open(page)
        self.send_to(f"{steps}start/")

    def write(self, subject: str, **fields: str) -> str:
        """Saves the draft; where its steps are taken."""
        texts = {
            f"{part}_{code}": f"{subject} {code}"
            for part in ("subject", "preheader", "body")
            for code in ("nb", "en")
        }
        self.send("_continue", **texts, **fields)
        return self.path.removesuffix("change/") + "step/"


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
