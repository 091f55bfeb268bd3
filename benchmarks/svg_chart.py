"""A small chart of curves in a plane, written as SVG by hand: no plotting package is needed to draw it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 860, 560
LEFT, RIGHT, TOP, BOTTOM = 70, 230, 50, 60


@dataclass(frozen=True, slots=True)
class Curve:
    """Points to join by a line, in the order given; a dashed line where ``is_dashed``."""

    label: str
    colour: str
    points: Sequence[tuple[float, float]]
    is_dashed: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """Range, tick positions and title."""

    low: float
    high: float
    ticks: Sequence[float]
    title: str

    def holds(self, number: float) -> bool:
        """Whether a number lies in the range."""
        return self.low <= number <= self.high


def chart(title: str, x: Axis, y: Axis, curves: Sequence[Curve]) -> str:
    """Draw curves with a legend at the right; points outside the axes are left out, and curves without any inside."""

    def across(number: float) -> float:
        return LEFT + (number - x.low) / (x.high - x.low) * (WIDTH - LEFT - RIGHT)

    def down(number: float) -> float:
        return HEIGHT - BOTTOM - (number - y.low) / (y.high - y.low) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'font-family="system-ui, sans-serif" font-size="13">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="28" font-size="16" fill="#1f2328">{escape(title)}</text>',
    ]
    for tick in x.ticks:
        at = f"{across(tick):.1f}"
        parts.append(f'<line x1="{at}" x2="{at}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#e6e8eb"/>')
        parts.append(f'<text x="{at}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle" fill="#57606a">{tick:g}</text>')
    for tick in y.ticks:
        at = f"{down(tick):.1f}"
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}" stroke="#e6e8eb"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{at}" dy="4" text-anchor="end" fill="#57606a">{tick:g}</text>')
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 18}" text-anchor="middle" '
        f'fill="#1f2328">{escape(x.title)}</text>'
    )
    parts.append(
        f'<text transform="translate(22 {(TOP + HEIGHT - BOTTOM) / 2:.0f}) rotate(-90)" text-anchor="middle" '
        f'fill="#1f2328">{escape(y.title)}</text>'
    )
    visible = [
        (curve, [point for point in curve.points if x.holds(point[0]) and y.holds(point[1])]) for curve in curves
    ]
    for row, (curve, inside) in enumerate(drawn for drawn in visible if drawn[1]):
        path = " ".join(f"{across(a):.1f},{down(b):.1f}" for a, b in inside)
        dash = ' stroke-dasharray="6 4"' if curve.is_dashed else ""
        stroke = f'stroke="{curve.colour}" stroke-width="2" fill="none"{dash}'
        parts.append(f'<polyline points="{path}" {stroke}/>')
        parts += [f'<circle cx="{across(a):.1f}" cy="{down(b):.1f}" r="3" fill="{curve.colour}"/>' for a, b in inside]
        top = TOP + 14 + 24 * row
        left = WIDTH - RIGHT + 18
        parts.append(f'<line x1="{left}" x2="{left + 26}" y1="{top}" y2="{top}" {stroke}/>')
        parts.append(f'<text x="{left + 34}" y="{top}" dy="4" fill="#1f2328">{escape(curve.label)}</text>')
    return "\n".join([*parts, "</svg>", ""])
