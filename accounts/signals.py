"""What accounts announce upwards, always inside the transaction that made it true."""

from django.dispatch import Signal

# person_id (which may name nobody: a taken address is treated alike), answers, language, now
customer_registered = Signal()
# user, now: the owner of the address acted on a link sent to it
address_confirmed = Signal()
# user, now
account_deactivated = Signal()
account_reactivated = Signal()
# user, now: a colleague's account has ended; work that was theirs waits for everybody again
staff_left = Signal()
