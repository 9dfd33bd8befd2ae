# %% [markdown]
# # SLA optimization: where targets are missed, and which tickets to escalate
#
# This notebook reads one workspace of sla-sniper as of one instant and tells what its log shows: the problem,
# where it is, how strongly each property goes with it, when it happens and why, how good the forecast is,
# what to escalate under a limited capacity, and what that is worth.
#
# - Every number below is computed by the cell above it. The text holds none.
# - Nothing that was recorded after the instant is read.
# - An amount of money stands with its assumption, its interval and the simplest rival.
# - Intervals stand in square brackets and hold ninety-five times in a hundred, as far as the days replayed are like others.
#
# `sniper report --format ipynb` sets the two parameters and executes everything. By hand, name a workspace that has a
# log, a backtest and a model, such as the one that `sniper demo` makes.

# %% tags=["parameters"]
WORKSPACE = "../demo"
AS_OF = None

# %%
from datetime import UTC, datetime
from pathlib import Path

import altair as alt
import numpy as np
import polars as pl
from IPython.display import Markdown, display

from sla_sniper.eventlog.outages import find_outages
from sla_sniper.model.metrics import reliability_curve
from sla_sniper.outputs.markdown import page_parts, table_markdown, text_markdown
from sla_sniper.panels import (
    decision_pages,
    diagnosis_pages,
    hinges_page,
    money_pages,
    theme,
    year_page,
)
from sla_sniper.panels import report as appendix
from sla_sniper.panels.detail_pages import detail_pages
from sla_sniper.panels.facts import title_of
from sla_sniper.panels.phrases import small_print
from sla_sniper.usecases.backtest import latest_pool
from sla_sniper.usecases.desk import open_desk
from sla_sniper.usecases.diagnose import diagnose_desk
from sla_sniper.usecases.report import facts_of, told_backtest

alt.renderers.enable("png", scale_factor=1.5)  # a picture needs no network to be seen


def show(page):
    """Show a page of the report: its point, what it says, its chart or table, its small print."""
    for part in page_parts(page):
        display(Markdown(part) if isinstance(part, str) else part.chart())


def table(rows, *, most=12):
    """Show the first rows of a table, and how many there are."""
    frame = pl.DataFrame(rows, infer_schema_length=None)
    if not frame.height:
        display(Markdown("*Nothing of the kind in this log.*"))
        return
    display(Markdown(table_markdown(frame.head(most))))
    if frame.height > most:
        display(Markdown(f"*The first {most} of {frame.height:,} rows.*"))


def draw(rows, layers, *, title, width=620, height=300, by=None):
    """Draw layers over the same rows in the theme of every report, or a chart for each `by`."""
    if not rows:
        display(Markdown("*Nothing to draw: this log has nothing of the kind.*"))
        return
    data = alt.InlineData(values=rows)
    chart = alt.layer(*layers(alt.Chart())).properties(width=width, height=height)
    if by:
        chart = chart.facet(alt.Facet(by, title=None, sort=None), columns=2, data=data)
        chart = chart.resolve_scale(x="independent", y="independent")
    else:
        chart = chart.properties(data=data)
    display(Markdown(f"**{title}**"))
    display(
        chart.configure(**theme.chart_config()).configure_legend(
            labelLimit=0,
            symbolOpacity=1,
            labelFontSize=12,
            titleFontSize=12,
            labelColor=theme.INK,
            titleColor=theme.MUTED,
            titleFontWeight="normal",
        )
    )


def span(interval, form=".1%"):
    """Write an estimate with its interval."""
    told = [format(part, form) for part in (interval.estimate, interval.low, interval.high)]
    return "-" if "nan" in told else f"{told[0]} [{told[1]}, {told[2]}]"


# %% [markdown]
# ## What is read
#
# The desk is its settings and every event that was known by the instant. The backtest is the latest one that was kept: past
# days replayed with only the knowledge of each. If it is missing, or was made under other promises or costs, the next cell
# says so and which command to run.

# %%
now = datetime.now(UTC)
desk = open_desk(Path(WORKSPACE), asked=datetime.fromisoformat(AS_OF) if AS_OF else None, now=now)
backtest = told_backtest(desk)
facts = facts_of(desk, backtest)
found, detail = facts.diagnosis, facts.detail or diagnose_desk(desk).detail
document = appendix.executive_report(facts)
money = (*decision_pages.prices(facts), " ", *small_print(facts))
show(appendix.made_of_page(facts))

# %% [markdown]
# ## In short

# %%
show(decision_pages.summary_page(facts))

# %% [markdown]
# ## The problem
#
# A target counts in a rate once it could have been missed: more open time than it allows lies between its start and the
# instant. Counting whatever is decided would make every recent month look good, because the quick ones are met first. First
# every clock by how it stands, then the share missed of those that count.

# %%
clocks = desk.cycles(as_of=desk.as_of).filter(pl.col("metric") == facts.metric)
standing = clocks.group_by("priority_applied", "state").len().sort("state")
table(
    standing.pivot("state", index="priority_applied", values="len")
    .sort("priority_applied")
    .rename({"priority_applied": "priority"})
)
show(decision_pages.problem_page(facts))

# %% [markdown]
# ## Where
#
# Many misses can mean many tickets, so the table sorts the places by the money that their misses cost *beyond* what the
# properties that set the target lead one to expect. A rate of few tickets is drawn towards that of all (*shrunk*) and marked.

# %%
show(diagnosis_pages.where_page(facts))

# %%
cells = detail.cells.filter(
    (pl.col("n_missed") > 0)
    & (pl.col("dimension") != "assignee")
    & pl.col("dimension_2").ne_missing("assignee")
).sort("excess", descending=True)
for title, shown in (
    ("Places by their cost beyond the expected", cells.filter(pl.col("dimension_2").is_null())),
    ("The same for pairs of properties", cells.filter(pl.col("dimension_2").is_not_null())),
):
    display(Markdown(f"**{title}, {facts.currency}**"))
    table(
        [
            {
                "place": f"{row['dimension']} {row['level']}"
                + (f", {row['dimension_2']} {row['level_2']}" if row["dimension_2"] else ""),
                "decided": row["n"],
                "missed": row["n_missed"],
                "share missed": f"{row['rate']:.1%} [{row['low']:.1%}, {row['high']:.1%}]",
                "shrunk": f"{row['shrunk']:.1%}",
                "cost": f"{row['cost']:,.0f} [{row['cost_low']:,.0f}, {row['cost_high']:,.0f}]",
                "beyond expected": f"{row['excess']:,.0f} [{row['excess_low']:,.0f}, "
                f"{row['excess_high']:,.0f}]",
                "few tickets": "few" if row["is_few"] else "",
            }
            for row in shown.iter_rows(named=True)
        ],
        most=10,
    )
display(
    Markdown(text_markdown(("What the places have cost is counted, and is no saving. ", *money)))
)

# %% [markdown]
# The same by the hour in which the clock started, for cells with enough tickets.

# %%
week = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
started = pl.concat(
    [
        detail.cells.filter((pl.col("dimension") == one) & (pl.col("dimension_2") == two)).select(
            hour=hour, weekday=day, share="shrunk", n="n", is_few="is_few"
        )
        for one, two, hour, day in (
            ("hour", "weekday", "level", "level_2"),
            ("weekday", "hour", "level_2", "level"),
        )
    ]
).filter(~pl.col("is_few"))
draw(
    started.to_dicts(),
    lambda base: (
        base.mark_rect().encode(
            x=alt.X(
                "hour:O",
                title="Hour in which the clock started, local time",
                scale=alt.Scale(domain=[f"{hour:02}" for hour in range(24)]),
                axis=alt.Axis(labelAngle=0),
            ),
            y=alt.Y("weekday:O", scale=alt.Scale(domain=week), title=None),
            color=alt.Color(
                "share:Q",
                title="Share missed, shrunk",
                legend=alt.Legend(format=".0%"),
                scale=alt.Scale(range=[theme.SNIPER_GROUND, theme.SNIPER]),
            ),
        ),
    ),
    title="Share of targets missed, by weekday and hour of the start",
    width=520,
    height=210,
)

# %% [markdown]
# ## How strongly
#
# Cramér's V says how strongly a property goes with missing: nothing at all at the lower end, entirely at the upper.
# A **mechanical** property sets the target itself, so its V says nothing about the teams. The tests ask each property
# again once the mechanical ones are known, and once all others are known; p values are adjusted for
# how many were tested (Benjamini and Hochberg).

# %%
show(diagnosis_pages.why_page(facts))

# %%
strength = {each.dimension: each.v for each in found.associations}
given = {each.dimension: each for each in detail.conditions}
table(
    [
        {
            "property": each.name,
            "kind": "mechanical" if each.name in detail.mechanical else "",
            "V": span(strength[each.name], ".2f")
            if each.name in strength
            else f"{each.test.v:.2f}",
            "chi-square": each.test.statistic,
            "p, adjusted": f"{each.p_adjusted:.2g}",
            "V once what sets the target is known": given[each.name].given_mechanical.v
            if each.name in given
            else None,
            "V beside all others": given[each.name].given_all.v if each.name in given else None,
        }
        for each in sorted(detail.tests, key=lambda each: -each.test.v)
        if each.name != "assignee"
    ],
    most=20,
)
for each in detail.conditions:
    display(Markdown(f"- {text_markdown((each.sentence,))}"))
for doubt in detail.invented:
    display(Markdown(f"- **The times look invented:** {text_markdown((doubt,))}."))

# %% [markdown]
# Groups do not get the same tickets. The share is what each would have missed with everybody's tickets; groups with too few
# tickets, or whose tickets nobody else has, are not compared.

# %%
table(
    [
        {
            "group": each.level,
            "decided": each.n,
            "missed": each.n_missed,
            "expected for its mix": each.expected,
            "share missed, adjusted": span(each.adjusted),
        }
        for each in sorted(
            detail.compared.get("group", ()), key=lambda each: each.expected - each.n_missed
        )
    ]
)

# %% [markdown]
# ## When
#
# A clock ends met or missed; one that still runs is censored, not dropped (Aalen and Johansen). The first chart follows the
# work itself, done in time or late. The second shows what share was met by then: a miss comes in the hour in which
# the target is used up, by definition. The hazard tells in which hours of open time work gets done most.

# %%
by_id = {page.exhibit.id: page for page in detail_pages(facts) if page.exhibit}
if "when" in by_id:
    show(by_id["when"])

# %%
levels = [curve.level for curve in detail.curves]
hue = alt.Color(
    "priority:N",
    title="Priority",
    scale=alt.Scale(
        domain=levels,
        range=[theme.SNIPER, theme.RULE, theme.INK, theme.MUTED, theme.PALE, theme.FAINT][
            : len(levels)
        ],
    ),
)
draw(
    [
        {
            "priority": curve.level,
            "part": part,
            "share": at.estimate,
            "low": at.low,
            "high": at.high,
        }
        for curve in detail.curves
        for part in np.linspace(0, 1, 61).tolist()
        for at in (curve.met.by(part * curve.target_hours),)
    ],
    lambda base: (
        base.mark_area(opacity=0.15, interpolate="step-after").encode(
            x=alt.X(
                "part:Q",
                title="Open time since the start, as a share of the target",
                axis=alt.Axis(format="%"),
            ),
            y=alt.Y("low:Q", title="Share met", axis=alt.Axis(format="%")),
            y2="high:Q",
            color=hue,
        ),
        base.mark_line(interpolate="step-after", strokeWidth=2.5).encode(
            x="part:Q", y="share:Q", color=hue
        ),
    ),
    title="Share of clocks met by then, with intervals",
)
display(Markdown("**Clocks at risk: neither met nor missed yet**"))
table(
    [
        {
            "priority": curve.level,
            "clocks": curve.n,
            "met": curve.n_met,
            "missed": curve.n_missed,
            "censored": curve.n_censored,
            "target, h": curve.target_hours,
            "at risk after so many hours": "; ".join(f"{at:g} h: {n:,}" for at, n in curve.at_risk),
        }
        for curve in detail.curves
    ]
)

# %%
draw(
    [
        {
            "priority": curve.level,
            "part": (first + last) / 2 / curve.target_hours,
            "rate": rate,
            "low": low,
            "high": high,
        }
        for curve in detail.curves
        for first, last, rate, low, high in zip(
            curve.hazard.edges[:-1].tolist(),
            curve.hazard.edges[1:].tolist(),
            curve.hazard.rate.tolist(),
            curve.hazard.low.tolist(),
            curve.hazard.high.tolist(),
            strict=True,
        )
        if rate == rate  # none where nothing was at risk
    ],
    lambda base: (
        base.mark_rule(color=theme.PALE, strokeWidth=2).encode(
            x=alt.X("part:Q", title="Open time, share of the target", axis=alt.Axis(format="%")),
            y=alt.Y("low:Q", title="Done an hour"),
            y2="high:Q",
        ),
        base.mark_line(color=theme.SNIPER, point=alt.OverlayMarkDef(color=theme.SNIPER)).encode(
            x="part:Q", y="rate:Q"
        ),
    ),
    title="Hazard: how many get done an hour of open time, of those still open, with intervals",
    width=270,
    height=170,
    by="priority:N",
)

# %% [markdown]
# ## Why
#
# The time of every clock is split into legs that add up to what elapsed: with the requester, with a vendor, in a queue, in
# work, between groups, after hours. What missed targets spent longer is a place to look first, not a cause.

# %%
if "legs" in by_id:
    show(by_id["legs"])
table(
    [
        {
            "where the time went": leg.words,
            "met, mean h": leg.met,
            "missed, mean h": leg.missed,
            "part of missed": f"{leg.share_of_missed:.1%}",
            "missed minus met, h": span(leg.difference, ",.1f"),
        }
        for leg in detail.legs
    ]
)

# %% [markdown]
# What came in against what got done. A week in which nothing got done can be an outage of the log rather than of the desk.

# %%
draw(
    [
        {"week": str(week.monday), "what": what, "tickets": getattr(week, name)}
        for week in detail.weeks
        for name, what in (("came", "came in"), ("done", "got done"), ("open", "open at its end"))
    ],
    lambda base: (
        base.mark_line(point=True).encode(
            x=alt.X(
                "week:O",
                title="Week, by its Monday",
                sort=None,
                axis=alt.Axis(labelAngle=0, labelOverlap="greedy"),
            ),
            y=alt.Y("tickets:Q", title="Tickets"),
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(
                    domain=["came in", "got done", "open at its end"],
                    range=[theme.SNIPER, theme.RULE, theme.MUTED],
                ),
            ),
        ),
    ),
    title="Arrivals, throughput and backlog by week",
)
for end in ("resolved", "closed"):
    for outage in find_outages(desk.stored, end):
        display(Markdown(f"- {text_markdown((outage.sentence,))}"))
draw(
    [
        {"hour": (each.weekday - 1) * 24 + each.hour, "what": what, "tickets": getattr(each, name)}
        for each in detail.hours
        for name, what in (("came", "came in"), ("done", "got done"))
    ],
    lambda base: (
        base.mark_line(interpolate="step-after").encode(
            x=alt.X(
                "hour:Q",
                title="Hour of the week, Monday to Sunday, local time",
                scale=alt.Scale(domain=[0, 168]),
                axis=alt.Axis(values=list(range(0, 169, 24))),
            ),
            y=alt.Y("tickets:Q", title="Tickets an hour, on average"),
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(domain=["came in", "got done"], range=[theme.SNIPER, theme.RULE]),
            ),
        ),
    ),
    title="Arrivals and throughput by hour of the week",
    height=220,
)
display(Markdown("**How long a ticket stays open once its target is missed**"))
after = detail.recovery
table(
    [
        {
            "missed": after.n,
            "still open": after.n_open,
            "median days": after.median_days,
            **{f"open after {days} days": span(at) for days, at in after.after},
        }
    ]
)

# %% [markdown]
# ## Blind spots
#
# Ways in which a rate can look better than the service was. The words are neutral: a count is no accusation.

# %%
table(
    [
        {
            "what": each.definition,
            "found": each.n,
            "of": each.of,
            "share": span(each.share) if each.of else "the log cannot tell",
            "examples": ", ".join(each.examples[:3]),
        }
        for each in detail.conduct
    ]
)

# %% [markdown]
# ## Findings by money
#
# Findings overlap: their amounts do not add up. `sniper diagnose --tickets ID` lists the tickets of each.

# %%
if "findings" in by_id:
    show(by_id["findings"])

# %% [markdown]
# ## The forecast and its proof
#
# The forecast is judged on days that it had not seen, beside every simple rule. A good ranking need not save money, and
# a probability is of use only if it comes true as often as it says.

# %%
show(decision_pages.proof_page(facts))

# %%
pool = latest_pool(desk.workspace.outputs)
known = None if pool is None else pool.filter(~pl.col("is_censored"))
bins = [] if known is None else reliability_curve(known["breached"], known["p_breach"]).to_dicts()
draw(
    bins,
    lambda base: (
        alt.Chart(alt.InlineData(values=[{"x": 0, "y": 0}, {"x": 1, "y": 1}]))
        .mark_line(color=theme.PALE, strokeDash=[4, 4])
        .encode(
            x=alt.X("x:Q", title="Forecast chance of a breach", axis=alt.Axis(format="%")),
            y=alt.Y("y:Q", title="Share that breached", axis=alt.Axis(format="%")),
        ),
        base.mark_line(
            color=theme.SNIPER, point=alt.OverlayMarkDef(color=theme.SNIPER, size=60)
        ).encode(x="p_breach:Q", y="breach_share:Q"),
    ),
    title="Forecast against what happened, in bins of as many clocks each",
    width=380,
    height=320,
)
table(
    [
        {
            "forecast, mean of the bin": f"{each['p_breach']:.1%}",
            "breached": f"{each['breach_share']:.1%}",
            "clocks at a landmark": each["n"],
        }
        for each in bins
    ]
)
table(
    [
        {
            "measure": name.replace("_", " "),
            "forecast": value["estimate"],
            "low": value["low"],
            "high": value["high"],
        }
        for name in ("brier", "brier_skill", "calibration_slope", "calibration_intercept", "ece")
        for value in (facts.metric_of("sniper", name),)
    ]
)

# %% [markdown]
# ## The decision under a limited capacity
#
# Every way to choose was replayed with as many slots a day. The oracle knows the future and bounds what any list can do.

# %%
show(decision_pages.decision_page(facts))

# %%
colours = {
    "sniper": theme.SNIPER,
    facts.rival: theme.RULE,
    "random": theme.PALE,
    "oracle": theme.INK,
}
draw(
    [
        {
            "policy": title_of(each["policy"]),
            "capacity": each["capacity"],
            **{key: each["net_saving"][key] for key in ("estimate", "low", "high")},
        }
        for each in backtest["policies"]
        if each["policy"] in colours
    ],
    lambda base: tuple(
        mark.encode(
            x=alt.X("capacity:O", title="Escalations a day", axis=alt.Axis(labelAngle=0)),
            xOffset=alt.XOffset("policy:N", sort=[title_of(name) for name in colours]),
            color=alt.Color(
                "policy:N",
                title=None,
                scale=alt.Scale(
                    domain=[title_of(name) for name in colours], range=list(colours.values())
                ),
            ),
            **y,
        )
        for mark, y in (
            (
                base.mark_rule(strokeWidth=2),
                {
                    "y": alt.Y(
                        "low:Q",
                        title=f"Net saving in the replayed days, {facts.currency}",
                        axis=alt.Axis(format="~s"),
                    ),
                    "y2": "high:Q",
                },
            ),
            (base.mark_point(filled=True, size=70, opacity=1), {"y": "estimate:Q"}),
        )
    ),
    title="Net saving by capacity, with intervals over days",
    width=430,
)
display(
    Markdown(
        f"**The forecast minus the simplest rival, {facts.currency}: paired over the same days**"
    )
)
table(
    [
        {
            "escalations a day": told["capacity"],
            "simplest rival": title_of(told["rule"]),
            "difference": f"{told['difference']:,.0f}"
            + ("" if told["low"] is None else f" [{told['low']:,.0f}, {told['high']:,.0f}]"),
            "claimed": "yes" if told["claimed"] else "no",
        }
        for told in backtest["advantage"]
    ]
)
display(Markdown(text_markdown(small_print(facts))))

# %%
show(appendix.policies_page(facts))

# %% [markdown]
# ## What is saved, and what that hangs on
#
# What an escalation prevents is assumed, not measured. So the saving is told beside its simplest rival, and each
# assumption is moved by itself with the tickets chosen anew.

# %%
show(money_pages.saving_page(facts))

# %%
show(hinges_page.hinges_page(facts))
show(appendix.swings_page(facts))

# %% [markdown]
# ## A year like these days
#
# A projection is a range and stands on its assumptions. An advantage of the forecast is projected only where one is claimed.

# %%
show(year_page.projection_page(facts))

# %% [markdown]
# ## What we ask for

# %%
show(money_pages.ask_page(facts))

# %% [markdown]
# ## Limits and definitions

# %%
show(appendix.limits_page(facts))
for page in diagnosis_pages.diagnosis_appendix(facts):
    show(page)

# %%
display(Markdown("**Every number of the report: what it is, in which unit, and what computes it**"))
commands = document.commands()
for command, letter in commands.items():
    display(Markdown(f"- {letter}: `{command}`"))
table(
    [
        {
            "number": name,
            "what it is": note.definition,
            "unit": note.unit,
            "by": commands[note.command],
        }
        for name, (_, note) in document.footnotes().items()
    ],
    most=len(document.footnotes()),
)
