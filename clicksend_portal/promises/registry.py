"""All 23 promises, in the reader's order."""

from clicksend_portal.promises import proof, who_sees_it, your_data, your_mail
from clicksend_portal.promises.promise import Promise

PROMISES: tuple[Promise, ...] = (
    *your_mail.PROMISES,
    *your_data.PROMISES,
    *who_sees_it.PROMISES,
    *proof.PROMISES,
)
BY_ID = {promise.id: promise for promise in PROMISES}
