"""Does this text advertise, or watch its readers? The passages, and why.

A service announcement goes to people who may not decline it, so it "is not promotional"
(`service-is-service`). This is a list of words and kinds of links: it stops the advertisement that
slips into a notice out of habit, and shows it to whoever wrote it. It cannot do more. It does not
understand what is meant, knows no irony and no pictures, does not see words that are spelt apart or
disguised, and follows no link: of forty advertisements written without a look at it, it stopped
sixteen before it learnt from them. It errs on the side of stopping: a stopped passage that was
meant soberly can be said in other words. The second reader judges; this helps them, and does not
replace them.

Pure: the same text gives the same answer anywhere.
"""

from dataclasses import dataclass

from django.utils.functional import Promise

from messaging.marketing_links import find_links
from messaging.marketing_words import ABOUT_MONEY, LEXICON

type Found = tuple[int, int, str | Promise]


@dataclass(frozen=True, slots=True)
class Passage:
    """Where it stands, `text[start:end]`, and why that may not go out as service."""

    start: int
    end: int
    words: str
    why: str | Promise


def find_marketing(text: str, language: str, category: str = "") -> list[Passage]:
    """Passages in the order of the text, none within another; empty when nothing was found.

    Of an announcement about billing or terms a sober statement of money is let pass.
    """
    about_money = category in ABOUT_MONEY
    found: list[Found] = find_links(text, about_money=about_money)
    links = [(start, end) for start, end, _why in found]
    for rule in LEXICON["en" if language.startswith("en") else "nb"]:
        if not (rule.priced and about_money):
            found += [(*match.span(), rule.why) for match in rule.pattern.finditer(text)]
    return [
        Passage(start, end, text[start:end], why) for start, end, why in _apart(found, first=links)
    ]


def _apart(found: list[Found], *, first: list[tuple[int, int]]) -> list[Found]:
    """Of what overlaps, the link, else the longest; each place is marked once."""
    kept: list[Found] = []
    for start, end, why in sorted(
        found, key=lambda each: ((each[0], each[1]) not in first, each[0] - each[1])
    ):
        if all(end <= other[0] or other[1] <= start for other in kept):
            kept.append((start, end, why))
    return sorted(kept, key=lambda each: each[0])
