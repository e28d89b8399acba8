"""The receipt of a deletion on paper: every word of the signed file, and the file inside it.

The file stays the proof; the paper says its digest, so that anybody sees whether the two belong
together. It is made from the file alone: what the file does not say, the paper cannot.
"""

import hashlib
import json
from datetime import date, datetime
from typing import Any

from django.utils import formats, translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from retention.papers.pdf import Column, Paper
from retention.words import human_day, utc_moment


def receipt_paper(file: bytes) -> bytes:
    """The same file gives the same paper, byte for byte."""
    receipt = json.loads(file)
    with translation.override(receipt["language"]):
        return drawn(receipt, file).as_bytes()


def drawn(receipt: dict[str, Any], file: bytes) -> Paper:
    deletion, controller = receipt["deletion"], receipt["controller"]
    done = moment(deletion["finished_at"])
    paper = Paper(
        _("Receipt of a deletion"),
        lead=_("What was deleted, what stays until when and under which law. It names nobody."),
        issuer=controller["name"],
        language=receipt["language"],
        made_at=moment(receipt["as_of"]),
        running_title=_("Receipt of a deletion, number %(reference)s")
        % {"reference": receipt["reference"]},
    )
    paper.facts(
        [
            (_("What was to go"), capfirst(deletion["scope"]["in_words"])),
            (_("Asked for"), utc_moment(moment(deletion["requested_at"]))),
            (_("Asked for by"), capfirst(deletion["asked_for_by"])),
            (_("Done"), utc_moment(done)),
            (_("Number"), receipt["reference"]),
            (_("Deleted by"), ", ".join(x for x in address_of(controller) if x)),
        ]
    )
    write_removed(paper, deletion["removed"])
    write_kept(paper, deletion["kept"], deletion["stays"])
    paper.heading(_("Backups"))
    until = human_day(date.fromisoformat(receipt["backups"]["until"]))
    paper.paragraph(_("In backups until %(day)s") % {"day": until} + ".")
    paper.paragraph(receipt["backups"]["remark"])
    write_told(paper, receipt["told"], as_of=moment(receipt["as_of"]))
    write_proof(paper, receipt, file)
    return paper


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def number(count: int) -> str:
    """201,934 or 201 934, as the language writes it."""
    return formats.number_format(count, force_grouping=True)


def address_of(controller: dict[str, str]) -> list[str]:
    return [controller[name] for name in ("name", "address", "email", "url")]


def write_removed(paper: Paper, removed: list[dict[str, Any]] | None) -> None:
    paper.heading(_("Deleted"))
    if removed is None:
        paper.paragraph(_("Not recorded"))
        return
    whole = [(row["title"], number(row["count"])) for row in removed if row["method"] == "deleted"]
    columns = (Column(_("What"), 5), Column(_("Rows"), 1, is_number=True))
    if whole:
        paper.table(columns, whole)
    else:
        paper.paragraph(_("Nothing"))
    blanked = [row for row in removed if row["method"] == "blanked"]
    if blanked:
        paper.heading(_("Blanked"))
        paper.paragraph(_("These rows stay, without what led to the person."))
        paper.table(
            (
                Column(_("What"), 3),
                Column(_("Emptied"), 2),
                Column(_("Why it stays, under which law, and how long"), 4),
                *columns[1:],
            ),
            [
                (row["title"], ", ".join(row["fields"]), why_stays(row), number(row["count"]))
                for row in blanked
            ],
        )


def why_stays(row: dict[str, Any]) -> str:
    return "\n".join(
        f"{capfirst(row[name])}." for name in ("reason", "law", "how_long") if row[name]
    )


def write_kept(paper: Paper, kept: list[dict[str, Any]] | None, stays: str) -> None:
    paper.heading(_("What stays"))
    if kept is None:
        paper.paragraph(_("Not recorded"))
    elif kept:
        write_what_stays(paper, kept)
    elif not stays:
        paper.paragraph(_("Nothing"))
    if stays:
        paper.paragraph(stays)


def write_what_stays(paper: Paper, kept: list[dict[str, Any]]) -> None:
    paper.table(
        (
            Column(_("What"), 3),
            Column(_("How long"), 3),
            Column(_("Why, and under which law"), 6),
            Column(_("Rows"), 1, is_number=True),
        ),
        [
            (
                row["title"],
                capfirst(row["how_long"]),
                f"{row['reason']}.\n{row['law']}." if row["law"] else f"{row['reason']}.",
                number(row["count"]),
            )
            for row in kept
        ],
    )


def write_told(paper: Paper, told: dict[str, Any] | None, *, as_of: datetime) -> None:
    """Recipients who were told of the erasure (GDPR Art. 19)."""
    paper.heading(_("Other systems of ours that were told"))
    if told is None:
        paper.paragraph(_("Not recorded"))
        return
    if told["remark"]:
        paper.paragraph(told["remark"])
        return
    if not told["systems"]:
        paper.paragraph(_("None had asked to be told") + ".")
        return
    words = {
        "acknowledged": _("has confirmed it"),
        "open": _("has not answered yet"),
        "given_up": _("did not answer, and we gave up"),
    }
    rows = [(row["system"], words[row["answer"]]) for row in told["named"]]
    if told["no_longer_recorded"]:
        rows.append((str(told["no_longer_recorded"]), _("no longer recorded")))
    paper.table((Column(_("System"), 1), Column(_("Its answer"), 2)), rows)
    paper.paragraph(_("As of %(moment)s.") % {"moment": utc_moment(as_of)}, quiet=True)


def write_proof(paper: Paper, receipt: dict[str, Any], file: bytes) -> None:
    proof, day = receipt["proof"], receipt["deletion"]["finished_at"][:10]
    name = f"deletion-receipt-{day}.json"
    paper.heading(_("How to check it"))
    paper.paragraph(
        _(
            "The signed file %(name)s is the proof; this paper only repeats what it says. The file "
            "is attached to this PDF, and it is what you download beside it."
        )
        % {"name": name}
    )
    paper.paragraph(
        _(
            "1. Compute the SHA-256 of the file (sha256sum on Linux, shasum -a 256 on a Mac, "
            "certutil -hashfile on Windows). It must be the one below, else paper and file do not "
            "belong together."
        )
    )
    paper.paragraph(
        _(
            "2. Choose the file, or this PDF that holds it, at %(url)s/trust/verify/. Your browser "
            "checks the signature, and sends nothing anywhere. A script on that page does the same "
            "without us."
        )
        % {"url": receipt["controller"]["url"]}
    )
    journal = proof["journal"]
    public = {row["id"]: row["public"] for row in proof["public_keys"]}[proof["signed_by"]]
    known = journal["position"] is not None
    paper.facts(
        [
            (_("SHA-256 of the file"), hashlib.sha256(file).hexdigest()),
            (_("Signature"), receipt["signature"]),
            (
                _("Signed with"),
                _("key number %(number)d of the log, Ed25519: %(public)s")
                % {"number": proof["signed_by"], "public": public},
            ),
            (
                _("Place in the journal"),
                _("record %(position)d, chain %(chain)s") % journal if known else _("Not recorded"),
            ),
        ]
    )
    paper.attach(name, file, what=paper.title, mime_type="application/json")
