"""`monitor:` of a policy: the windows of production data, the budget of false alarms, and what follows an alarm."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from audit.policy.strict import Duration, Role, Strict, Text, days

Period: TypeAlias = Literal["hour", "day", "week", "month"]
PERIODS: tuple[Period, ...] = ("hour", "day", "week", "month")
HOURS: dict[Period, float] = {"hour": 1, "day": 24, "week": 168, "month": 365.25 * 2}
"""Hours in each kind of window, of a month on average."""
FEWEST_WINDOWS = 2
"""A budget of fewer windows would leave no room for evidence."""


class RowsPerWindow(Strict):
    """Windows by count."""

    rows: int = Field(ge=1, description="rows of each window")


class WindowCount(Strict):
    """A number of windows, where windows have no length in days."""

    windows: int = Field(ge=2, le=10_000_000, description="windows between two false alarms, on average")


class Retrain(Strict):
    """When a new training is due, and what it must pass."""

    after: Literal["alarm", "watch"] | Duration = Field("alarm", description="alarm, watch, or the age of the candidate: 90d")
    windows: int = Field(30, ge=1, le=10_000, description="newest windows that the training should use")
    policy: str | None = Field(None, description="path of the policy that the new candidate must pass; this one where absent")


class MailFile(Strict):
    """A message file that a mail program can send as it stands."""

    file: str = Field(description="path of the message, such as reports/alarm.eml")
    sender: Text = Field(description="address that it comes from")
    to: tuple[Text, ...] = Field(min_length=1, description="addresses that it goes to")


class Notify(Strict):
    """Who is told of an outcome, and how."""

    webhook: Text | None = Field(None, description="address that gets a JSON message; may hold ${ENV}, which is read when it is sent")
    prometheus: str | None = Field(None, description="path of a text file for the node exporter of Prometheus")
    github: bool = Field(False, description="annotations and outputs for GitHub Actions")
    gitlab: str | None = Field(None, description="path of a code quality report for GitLab")
    email: MailFile | None = Field(None, description="a message file that a mail program can send: {file, sender, to}")


class OperationsCard(Strict):
    """What the person on call needs."""

    call: Text | None = Field(None, description="whom to call, and how")
    meaning: Text | None = Field(None, description="what an alarm means for the people whom the system serves")
    first_action: Text | None = Field(None, description="what to do first")
    rollback: Text | None = Field(None, description="command that brings the previous version back")
    fallback: Text | None = Field(None, description="what works safely while the system is off")


class Monitor(Strict):
    """How windows of production data are audited over time."""

    on: Role = Field("production", description="role of the data set in whose place each window stands")
    window: Period | RowsPerWindow = Field("day", description="hour, day, week or month, or {rows: N}")
    time_zone: Text = Field("UTC", description="IANA name of the zone in which days begin, such as Europe/Berlin")
    false_alarm_every: Duration | WindowCount = Field(
        "365d", description="shortest average time until the first false alarm, over all requirements; {windows: N} for windows by count"
    )
    labels_delay: Duration | None = Field(None, description="how long after a window its labels may come; with the window where absent")
    retrain: Retrain | None = Field(None, description="when a new training is due")
    notify: Notify | None = Field(None, description="who is told, and how")
    card: OperationsCard | None = Field(None, description="what the person on call needs")


def windows_in_budget(spec: Monitor) -> float | None:
    """Windows until the first false alarm, on average at least; None for a duration over windows by count."""
    if isinstance(spec.false_alarm_every, WindowCount):
        return spec.false_alarm_every.windows
    if not isinstance(spec.window, str):
        return None
    return (days(spec.false_alarm_every) or 0) * 24 / HOURS[spec.window]


def zone_problem(name: str) -> str | None:
    """What is wrong with the name of a time zone."""
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    known = available_timezones()
    if name in known:
        return None
    cities = {zone.rsplit("/", 1)[-1].lower(): zone for zone in sorted(known, reverse=True)}
    word = name.replace(" ", "_").rsplit("/", 1)[-1].lower()
    near = [*get_close_matches(name, known, n=2), *(cities[one] for one in get_close_matches(word, cities, n=1))]
    meant = " or ".join(map(repr, dict.fromkeys(near)))
    remedy = f"did you mean {meant}?" if meant else "give an IANA name such as UTC or Europe/Berlin"
    return f"{name!r} is no time zone that this system knows; {remedy}"
