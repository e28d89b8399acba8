"""The figures in words: per subject a chart, and a table that says the same in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clicksend_portal.dashboards.drawing import Chart, bar, columns, lines
from clicksend_portal.dashboards.figures import DAYS, WEEKS, Figures, RuleFigures, TopicFigures
from clicksend_portal.promises.words import duration_text
from messaging.models import Message
from retention.schedule import RULES

BOUNCES = ("hard_bounce", "soft_bounce", "complaint")
NOT_SENT = ("withheld", "failed", "in_doubt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """`words` say what the shapes show, for whoever cannot see them; `legend` names styles."""

    title: str
    figure: str
    words: str
    chart: Chart
    legend: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Row:
    head: str
    cells: Sequence[str]
    bar: Chart | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    slug: str
    title: str
    lead: str
    head: Sequence[str]
    rows: Sequence[Row]
    drawings: Sequence[Drawing] = ()
    # More to read: its summary, and the words.
    notes: Sequence[tuple[str, str]] = ()

    @property
    def has_bars(self) -> bool:
        return any(row.bar for row in self.rows)


def sections(found: Figures) -> list[Section]:
    return [choices(found), opt_outs(found), sending(found), came_back(found), rules(found)]


def number(value: float) -> str:
    return str(number_format(value, force_grouping=True))


def day_words(day: date) -> str:
    return str(date_format(day, "SHORT_DATE_FORMAT"))


def signed(value: int) -> str:
    return f"+{number(value)}" if value > 0 else number(value).replace("-", "−")


# --- choices -------------------------------------------------------------------------------------


def choices(found: Figures) -> Section:
    ends = [found.counted_at.date() - timedelta(weeks=WEEKS - 1 - week) for week in range(WEEKS)]
    return Section(
        slug="choices",
        title=_("Who said yes"),
        lead=_(
            "Customers with a standing yes, per topic, over %(weeks)s weeks. Erased customers are "
            "in no figure."
        )
        % {"weeks": WEEKS},
        # A topic that nobody chose is a row of noughts in the table, no empty chart.
        drawings=[choice_drawing(each) for each in found.topics if any(each.standing)],
        head=[_("Week until"), *(each.topic.name for each in found.topics)],
        rows=[
            Row(
                day_words(end),
                [
                    f"{number(each.standing[week])} (+{number(each.yes[week])} "
                    f"−{number(each.no[week])})"
                    for each in found.topics
                ],
            )
            for week, end in reversed(list(enumerate(ends)))
        ],
    )


def choice_drawing(each: TopicFigures) -> Drawing:
    values = {
        "name": each.topic.name,
        "now": number(each.standing[-1]),
        "first": number(each.standing[0]),
        "weeks": WEEKS - 1,
    }
    return Drawing(
        title=each.topic.name,
        figure=_("%(now)s yes, %(change)s in %(weeks)s weeks")
        % (values | {"change": signed(each.standing[-1] - each.standing[0])}),
        words=_("%(name)s: from %(first)s to %(now)s customers who said yes.") % values,
        chart=lines(("line", each.standing)),
    )


# --- opting out ----------------------------------------------------------------------------------


def opt_outs(found: Figures) -> Section:
    overall = found.all_opt_outs
    per_day = [found.opt_outs.get(day) for day in found.days]
    figure = _("Nobody opted out.")
    if overall is not None:
        figure = _("median %(median)s, 99 of 100 within %(late)s, worst %(worst)s") % {
            "median": duration_text(overall.median),
            "late": duration_text(overall.late),
            "worst": duration_text(overall.worst),
        }
    return Section(
        slug="opt-outs",
        title=_("How soon a no is obeyed"),
        lead=_(
            "From the moment a no reaches us to the moment from which nothing more is sent, by any "
            "way out, over %(days)s days."
        )
        % {"days": DAYS},
        drawings=[
            Drawing(
                title=_("Time until a no is obeyed"),
                figure=figure,
                words=_("Two lines over %(days)s days: the median, and 99 of 100.")
                % {"days": DAYS},
                chart=lines(
                    ("line", [None if each is None else each.median for each in per_day]),
                    ("dashed", [None if each is None else each.late for each in per_day]),
                ),
                legend=[("line", _("median")), ("dashed", _("99 of 100"))],
            )
        ],
        head=[_("Day"), _("Opt-outs"), _("Median"), _("99 of 100"), _("Worst")],
        rows=[
            Row(
                day_words(day),
                [
                    number(took.number),
                    duration_text(took.median),
                    duration_text(took.late),
                    duration_text(took.worst),
                ]
                if took is not None
                else ["0", "–", "–", "–"],
            )
            for day, took in reversed(list(zip(found.days, per_day, strict=True)))
        ],
    )


# --- sending -------------------------------------------------------------------------------------


def sending(found: Figures) -> Section:
    sent = per_day(found, "sent")
    not_sent = [per_day(found, state) for state in NOT_SENT]
    together = [sum(values) for values in zip(*not_sent, strict=True)]
    states = Message.State
    return Section(
        slug="sending",
        title=_("What was sent"),
        lead=_("Emails of every kind, by the day they were handed over or given up."),
        drawings=[
            Drawing(
                title=_("Emails a day"),
                figure=_("%(sent)s sent, %(rest)s not sent")
                % {"sent": number(sum(sent)), "rest": number(sum(together))},
                words=_("A column a day over %(days)s days; the highest is %(highest)s.")
                % {
                    "days": DAYS,
                    "highest": number(max(map(sum, zip(sent, together, strict=True)))),
                },
                chart=columns(("filled", sent), ("second", together)),
                legend=[
                    ("filled", str(states.SENT.label)),
                    ("second", _("withheld, failed or in doubt")),
                ],
            )
        ],
        head=[_("Day"), *(str(states(name).label).capitalize() for name in ("sent", *NOT_SENT))],
        rows=day_rows(found, [sent, *not_sent]),
    )


def came_back(found: Figures) -> Section:
    hard, soft, complaints = (per_day(found, kind, of=found.came_back) for kind in BOUNCES)
    sent = sum(per_day(found, "sent"))
    gone = sum(hard)
    return Section(
        slug="came-back",
        title=_("What came back"),
        lead=_(
            "Emails whose address does not exist, that came back for now, and that were reported "
            "as unwanted, by the day we were told."
        ),
        drawings=[
            Drawing(
                title=_("Bounces and complaints a day"),
                figure=_(
                    "%(hard)s bounces for good, %(share)s of 1,000 sent; %(unwanted)s complaints"
                )
                % {
                    "hard": number(gone),
                    "share": number(round(1000 * gone / sent, 1)) if sent else "–",
                    "unwanted": number(sum(complaints)),
                },
                words=_("A column a day over %(days)s days; the highest is %(highest)s.")
                % {
                    "days": DAYS,
                    "highest": number(max(map(sum, zip(hard, soft, complaints, strict=True)))),
                },
                chart=columns(("filled", hard), ("second", soft), ("late", complaints)),
                legend=[
                    ("filled", _("for good")),
                    ("second", _("for now")),
                    ("late", _("complaints")),
                ],
            )
        ],
        head=[_("Day"), _("For good"), _("For now"), _("Complaints")],
        rows=day_rows(found, [hard, soft, complaints]),
    )


def per_day(
    found: Figures, name: str, *, of: dict[str, dict[date, int]] | None = None
) -> list[int]:
    counted = (found.sending if of is None else of).get(name, {})
    return [counted.get(day, 0) for day in found.days]


def day_rows(found: Figures, values: Sequence[Sequence[int]]) -> list[Row]:
    """The newest day first, as everything that is read down to here."""
    return [
        Row(day_words(day), [number(each[index]) for each in values])
        for index, day in reversed(list(enumerate(found.days)))
    ]


# --- keeping -------------------------------------------------------------------------------------


def rules(found: Figures) -> Section:
    late = sum(1 for each in found.rules if each.overdue)
    return Section(
        slug="rules",
        title=_("The oldest row under each rule"),
        lead=ngettext(
            "%(late)d rule has rows past their date. A bar that is full has had all of its time.",
            "%(late)d rules have rows past their date. A bar that is full has had all of its time.",
            late,
        )
        % {"late": late},
        head=[_("Rule"), _("Time used"), _("Oldest"), _("Past its date"), _("Held")],
        rows=[rule_row(each) for each in sorted(filter(is_told, found.rules), key=nearest)],
        notes=[
            (summary, words)
            for summary, words in (
                (_("Rules under which nothing stands"), titles(found, seen=True)),
                (
                    _("Rules that only the keeper of the database is told of"),
                    titles(found, seen=False),
                ),
            )
            if words
        ],
    )


def is_told(each: RuleFigures) -> bool:
    """Whether there is anything to tell of it beside its name."""
    return each.seen and bool(each.oldest or each.overdue or each.held)


def titles(found: Figures, *, seen: bool) -> str:
    return "; ".join(
        str(RULES[each.name][1].title)
        for each in found.rules
        if each.seen == seen and not is_told(each)
    )


def nearest(each: RuleFigures) -> tuple[bool, float]:
    """What is late first, then what has used most of its time."""
    return (not each.overdue, -each.share)


def rule_row(each: RuleFigures) -> Row:
    _entry, rule = RULES[each.name]
    return Row(
        str(rule.title),
        [
            f"{number(round(100 * each.share))} %" if each.oldest else "–",
            day_words(each.oldest) if each.oldest else "–",
            number(each.overdue),
            number(each.held),
        ],
        bar(each.share, is_late=bool(each.overdue)) if each.oldest else None,
    )
