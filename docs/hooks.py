"""What the site has beyond the pages of this directory: the reference, and files of the checkout that pages name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

from scripts.contract_pages import page as contract_page

ROOT = Path(__file__).resolve().parent.parent
ARTIFACTS = ROOT / "build" / "contracts"
PACKAGES = {
    "agent.products": "Value and Greeks of every kind of position.",
    "agent.vol": "Volatility: quotes, smiles, surfaces, models and forecasts.",
    "agent.costs": "What a trade costs: quotes, impact, curves of venues.",
    "agent.risk": "Exposure, scenarios, value at risk, liquidation, attribution.",
    "agent.policy": "When to hedge, and how far.",
    "agent.optimiser": "Perps and options in one programme.",
    "agent.routing": "Which venue, how much margin, over what time.",
    "agent.decision": "One cycle's decision, from frozen inputs.",
    "agent.alternatives": "What else a cycle could do.",
    "agent.backtest": "Policies along many price paths.",
}
"""The pure packages, which a quant calls from a notebook; each is one page of the reference."""
CORE = ("agent.domain", "agent.guard", "agent.budgets", "agent.prediction", "agent.units", "agent.errors")
_OUTSIDE = re.compile(r"(\]\()((?:\.\./)+)((?!docs/)[^)#\s]+)(\))")


def on_files(files: Any, config: Any) -> Any:
    """Add the reference pages, and what pages link to outside of this directory."""
    for name, about in PACKAGES.items():
        modules = sorted((ROOT / name.replace(".", "/")).rglob("*.py"))
        files.append(_made(config, f"reference/{name}.md", _package_page(name, about, modules)))
    modules_of_core = "\n".join(f"::: {name}\n" for name in CORE)
    files.append(
        _made(
            config,
            "reference/core.md",
            f"# The ground\n\nRecords, units, errors and the mirror of the chain's rules.\n\n{modules_of_core}",
        )
    )
    if not (ARTIFACTS / "IHedgeVault.json").exists():
        raise PluginError(f"{ARTIFACTS} holds no compiled contracts; run `make setup`")
    files.append(_made(config, "reference/contracts.md", contract_page(ARTIFACTS)))
    for path in sorted({path for source in files.documentation_pages() for path in _named_outside(source)}):
        if path.is_file():
            target = f"checkout/{path.relative_to(ROOT)}"
            files.append(File.generated(config, target, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Lead a page's links out of this directory to the copies of those files in the site."""

    def inside(found: re.Match[str]) -> str:
        target = _outside(page.file, found)
        if target is None or not target.is_file():
            return found[0]
        up = "../" * page.file.src_uri.count("/")
        return f"{found[1]}{up}checkout/{target.relative_to(ROOT)}{found[4]}"

    return _OUTSIDE.sub(inside, markdown)


def _named_outside(source: Any) -> set[Path]:
    if source.abs_src_path is None:
        return set()
    found = (
        _outside(source, match) for match in _OUTSIDE.finditer(Path(source.abs_src_path).read_text(encoding="utf-8"))
    )
    return {path for path in found if path is not None}


def _outside(source: Any, found: re.Match[str]) -> Path | None:
    """Return what a link names, where that is outside of this directory and inside the checkout."""
    if source.abs_src_path is None:
        return None
    path = (Path(source.abs_src_path).parent / found[2] / found[3]).resolve()
    return path if path.is_relative_to(ROOT) and not path.is_relative_to(ROOT / "docs") else None


def _made(config: Any, uri: str, content: str) -> File:
    return File.generated(config, uri, content=content)


def _package_page(name: str, about: str, modules: list[Path]) -> str:
    """Return a page of a package's modules; compiled kernels are nobody's interface."""
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in modules]
    shown = [one for one in names if not one.endswith(("__init__", "_kernel")) and "._" not in one]
    blocks = "\n".join(f"::: {one}\n" for one in shown)
    return f"# {name}\n\n{about}\n\n{blocks}"
