"""The report as PDF. WeasyPrint lays it out from the page's own HTML; it is given nothing from outside, neither files nor network.

WeasyPrint draws each inline SVG by itself: symbols of the page, its style sheet and the colour of the text around it are unknown to
it. So each drawing gets what it uses of them before it is laid out.
"""

from __future__ import annotations

import logging
import re
from importlib import resources
from typing import NoReturn

from audit.errors import MissingExtra

_DRAWING = re.compile(r'(<(?:span|p|td|li|th|b|div)[^>]*class="([^"]*)"[^>]*>\s*)?<svg\b([^>]*)>(.*?)</svg>', re.DOTALL)
_DEFINED = re.compile(r'<(symbol|g) id="([^"]+)"[^>]*>.*?</\1>', re.DOTALL)
_SYMBOL = re.compile(r"<(/?)symbol( id=\"[^\"]+\")?[^>]*>")
_RULE = re.compile(r"([^{}@;/*]+)\{([^{}]*)\}")
_TOKEN = re.compile(r"(--[\w-]+):\s*([^;]+);")
_VARIABLE = re.compile(r"var\((--[\w-]+)(?:,[^()]*(?:\([^()]*\))?[^()]*)?\)")
_STRIPE = re.compile(r"linear-gradient\(var\((--[\w-]+)\), ?var\(--[\w-]+\)\) ([\d.]+)% 0/\S+ 100% no-repeat")
_TWO_STOPS = re.compile(r"(var\(--[\w-]+\)|transparent) ([\d.]+(?:px|%)?) ([\d.]+(?:px|%))(?=[,)])")
"""A colour between two places of a gradient, which WeasyPrint wants one by one."""
_STRIPE_WIDTH = 0.4
"""Of a grid line, in percent of the plot."""
_PAINT = re.compile(r"\b(?:fill|stroke)\b")
_COLOURS = {
    "pass": "--pass",
    "fail": "--fail",
    "inconclusive": "--open",
    "violet": "--open",
    "red": "--fail",
    "ref": "--ink-2",
    "block": "--fail",
    "promote": "--pass",
    "promote-with-conditions": "--open",
}
"""What the last part of a class (`s-pass`, `i-fail`, `d-block`) says of a drawing's colour; any other one is ink."""
_ON_GROUND = {"c-fail": "--on", "c-error": "--on"}
"""Chips whose ground is coloured."""


def render(html: str) -> bytes:
    """The report's HTML as PDF. MissingExtra where WeasyPrint is not installed."""
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:  # OSError: a library of the system that it draws with
        raise MissingExtra("weasyprint", "pdf") from error

    class Nothing(URLFetcher):  # type: ignore[misc]  # weasyprint has no types
        """Fetches nothing, from nowhere: no file, no host."""

        def fetch(self, url: str, headers: object = None) -> NoReturn:
            del headers
            msg = f"{url}: a report holds all that it shows"
            raise ValueError(msg)

    logging.getLogger("weasyprint").setLevel(logging.ERROR)  # else each rule of the screen that paper has no use for is a warning
    document: bytes = HTML(string=_self_contained(html), url_fetcher=Nothing()).write_pdf()
    return document


def _self_contained(html: str) -> str:
    """The page with what each drawing uses inside it, without scripts, for paper."""
    css, own = _static("report.css"), _static("pdf.css")
    tokens = dict(_TOKEN.findall(css[: css.index("@media")]))
    defined = {found[2]: _resolved(_SYMBOL.sub(r"<\1g\2>", found[0]), tokens) for found in _DEFINED.finditer(html)}
    style = "".join(_rules(css, tokens))
    decision = re.search(r'<body class="d-([\w-]+)">', html)

    def complete(found: re.Match[str]) -> str:
        before, parent, attributes, inside = found[1] or "", found[2] or "", found[3], found[4]
        if "<symbol" in inside:
            return found[0]
        colour = tokens[_colour(f"{parent} {attributes}", decision[1] if decision else "")]
        used = "".join(text for name, text in defined.items() if f'"#{name}"' in inside)
        drawn = _resolved(inside, tokens)
        if "viewBox" not in attributes and '"#g-' in inside:
            attributes += ' viewBox="0 0 16 16"'  # of its one symbol
        return f'{before}<svg{attributes} color="{colour}"><style>{style}</style><defs>{used}</defs>{drawn}</svg>'

    page = re.sub(r"<script\b.*?</script>", "", html, flags=re.DOTALL)
    page = _DRAWING.sub(complete, page)
    page = page.replace("font: 650", "font: 700").replace("font-weight: 650", "font-weight: 700")  # it knows whole hundreds alone
    page = _TWO_STOPS.sub(r"\1 \2, \1 \3", page)
    page = _STRIPE.sub(lambda found: _stripe(tokens[found[1]], float(found[2])), page)
    return page.replace("</head>", f"<style>{own}</style></head>", 1)


def _stripe(colour: str, place: float) -> str:
    """A line of a plot's ground. WeasyPrint fills the whole plot with a gradient of one colour, whatever its size."""
    begin, end = f"{place:.2f}%", f"{place + _STRIPE_WIDTH:.2f}%"
    return f"linear-gradient(90deg, transparent {begin}, {colour} {begin}, {colour} {end}, transparent {end})"


def _rules(css: str, tokens: dict[str, str]) -> list[str]:
    """The style sheet's rules that paint parts of drawings, with colours in place of variables."""
    screen = css[css.index("/* Base */") : css.index("@media print {")]
    found = ["text{font-size:12px;font-family:sans-serif}"]
    for selector, body in _RULE.findall(screen):
        if _PAINT.search(body):
            name = selector.strip().replace(".fig ", "")
            found.append(f"{name}{{{_resolved(body, tokens)}}}")
    return [re.sub(r"font:[^;}]*;?|font-variant-numeric:[^;}]*;?", "", one) for one in found]


def _resolved(text: str, tokens: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda found: tokens.get(found[1], tokens["--paper"]), text)


def _colour(classes: str, decision: str) -> str:
    """The token of the colour in which a drawing stands."""
    names = re.findall(r"[\w-]+", classes)
    for name in names:
        if name in _ON_GROUND:
            return _ON_GROUND[name]
    known = [name.split("-", 1)[-1] if name[:2] in {"s-", "i-", "c-"} else decision if name == "hue" else name for name in names]
    return next((_COLOURS[name] for name in known if name in _COLOURS), "--ink")


def _static(name: str) -> str:
    return resources.files("audit.report").joinpath("static", name).read_text(encoding="utf-8")
