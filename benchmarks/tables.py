"""``python -m benchmarks.tables``: write the tables of README.md from results/*.json."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import RESULTS

README = RESULTS.parent / "README.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
MACHINE = ("processor", "cores", "memory", "system")


def table(result: Mapping[str, Any]) -> str:
    """One result as Markdown: the machine, the versions, a row a quantity."""
    machine = result["machine"]
    hardware = [f"{machine[key]} cores" if key == "cores" else machine[key] for key in MACHINE]
    if "device" in machine:
        hardware.insert(0, machine["device"])
    packages = [key for key in machine if key not in (*MACHINE, "device")]
    lines = [
        f"### {result['name']}",
        "",
        f"{', '.join(hardware)}; {', '.join(f'{key} {machine[key]}' for key in packages)}.",
        "",
        "| | value | low | high | unit | aim |",
        "|---|---:|---:|---:|---|---|",
    ]
    for row in result["rows"]:
        value, low, high = (f"{row[key]:.4g}" for key in ("value", "low", "high"))
        aim = "" if row["aim"] is None else f"at least {row['aim']:g}"
        lines.append(f"| {row['what']} | {value} | {low} | {high} | {row['unit']} | {aim} |")
    return "\n".join(lines)


def with_tables(text: str, results: Sequence[Mapping[str, Any]]) -> str:
    """``text`` with the tables of ``results`` between its two markers."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    body = "\n\n".join(table(result) for result in results) or "Not measured yet."
    return f"{before}{BEGIN}\n{body}\n{END}{after}"


def read_results(folder: Path) -> list[dict[str, Any]]:
    """The results in ``folder``, by name."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def main() -> None:
    """Renew README.md."""
    README.write_text(with_tables(README.read_text(), read_results(RESULTS)))
    print(f"wrote {README}")


if __name__ == "__main__":
    main()
