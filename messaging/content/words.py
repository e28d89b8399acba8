"""The codes of files and lines in words."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from messaging.content.recognising import DELIMITERS
from messaging.models import Contact

# Why a file is not read.
FILES: dict[str, Promise] = {
    "empty": gettext_lazy("This file is empty. Choose the file with your contacts."),
    "only_header": gettext_lazy(
        "This file has column names and no contacts below them. Nothing was taken in."
    ),
    "spreadsheet": gettext_lazy(
        "This is a spreadsheet. Open it, choose “Save as” and the kind CSV, and upload that file."
    ),
    "archive": gettext_lazy(
        "This is a packed file (ZIP or the like). Unpack it, and upload the CSV file inside."
    ),
    "other": gettext_lazy("This is no text file. Upload your contacts as CSV."),
    "too_big": gettext_lazy("The file is larger than 50 MB. Divide it, and upload the parts."),
    "too_many_columns": gettext_lazy(
        "There are more than 200 columns. Is the delimiter the right one?"
    ),
    "encoding": gettext_lazy(
        "The letters of the file do not fit the encoding you chose. Upload it again and choose "
        "another one. Nothing was taken in."
    ),
    "quotes": gettext_lazy(
        "A quotation mark is opened and not closed, or stands in the middle of a cell. Mend it in "
        "the file and upload it again. Nothing was taken in."
    ),
    "cell_too_long": gettext_lazy(
        "A cell holds more than 131,072 characters. Shorten it, or close the quotation mark that "
        "is open since a row before, and upload the file again. Nothing was taken in."
    ),
    "stopped": gettext_lazy(
        "From here on the file could not be taken in. What stands above is in the list. Mend or "
        "leave out these rows, and upload them again."
    ),
    "list_gone": gettext_lazy("The list was deleted while the file was read."),
    "restored": gettext_lazy(
        "We had to restore our data from a backup, and this file had not been read to its end "
        "there. Look at the list, and upload the file again if contacts are missing."
    ),
}
# Why a line is not taken.
LINES: dict[str, Promise] = {
    "phone_unknown": gettext_lazy("no valid phone number"),
    "phone_shortened": gettext_lazy(
        "the spreadsheet shortened the number; format the column as text"
    ),
    "email_unknown": gettext_lazy("no valid email address"),
    "country_unknown": gettext_lazy("no country we know; use a code such as NO"),
    "too_long": gettext_lazy("too long"),
    "unreachable": gettext_lazy("neither phone number nor email"),
    "two_contacts": gettext_lazy(
        "the phone number belongs to one contact of the list and the email to another"
    ),
    "opted_out": gettext_lazy("on your list of opt-outs"),
    "duplicate": gettext_lazy("stands in the file more than once"),
    "there_already": gettext_lazy("is in this list already"),
    "held": gettext_lazy("kept as it is for a dispute or an authority"),
}
DELIMITER_WORDS: dict[str, Promise] = dict(
    zip(
        DELIMITERS,
        (
            gettext_lazy("comma"),
            gettext_lazy("semicolon"),
            gettext_lazy("tab"),
            gettext_lazy("vertical bar"),
        ),
        strict=True,
    )
)
ENCODING_WORDS = {
    "utf-8": "UTF-8",
    "cp1252": "Windows-1252",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 LE",
}
STATUS_WORDS: dict[str, Promise] = {
    "queued": gettext_lazy("queued"),
    "scheduled": gettext_lazy("scheduled"),
    "sent": gettext_lazy("sent"),
    "delivered": gettext_lazy("delivered"),
    "undelivered": gettext_lazy("not delivered"),
    "failed": gettext_lazy("failed"),
    "cancelled": gettext_lazy("cancelled"),
    "received": gettext_lazy("received"),
}


def field_words(name: str) -> str:
    """A contact's field by its name on the page."""
    if name == "address_state":  # elsewhere the word means a condition
        return _("State or county")
    return str(Contact._meta.get_field(name).verbose_name).capitalize()  # type: ignore[union-attr]


def failure_words(failure: str) -> str:
    """What `ListUpload.failure` keeps, `quotes:17`, as sentences."""
    reason, _colon, row = failure.partition(":")
    said = str(FILES.get(reason, reason))
    return _("Row %(row)s: %(said)s") % {"row": row, "said": said} if row else said
