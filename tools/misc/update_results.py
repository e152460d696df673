"""Renews the tables and the chart of results in README.md and docs/results.md.

    python tools/misc/update_results.py

reads docs/results/PROTOCOL.jsonl (a run a line) and writes what stands between
``<!-- results PROTOCOL -->`` and ``<!-- end of results -->``, and
docs/results/PROTOCOL/gains.svg of the protocols shown in README.md. With --check it
writes nothing, and fails where one of them is out of date.
"""

import argparse
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import List

from mmseg_ganaug.evaluation.results import method_gains
from mmseg_ganaug.experiments.results_page import (
    fill_page,
    load_class_share,
    load_protocol,
)
from mmseg_ganaug.files import write_atomically
from mmseg_ganaug.tool_errors import errors_as_messages
from mmseg_ganaug.visualization import gain_chart

ROOT = Path(__file__).resolve().parents[2]
#: Page -> what leads from it to the root.
PAGES = {'README.md': '', 'docs/results.md': '../'}
#: Protocol that has a chart -> runs of a method that is shown there.
CHARTS = {'camvid-small': 3}


def renew_chart(protocol: str, min_runs: int, check: bool) -> bool:
    """Draws the chart of a protocol; returns whether it was out of date.

    The numbers on it are compared: libraries of another version draw other lines.
    """
    results = ROOT / 'docs' / 'results'
    folder = results / protocol
    chart = folder / 'gains.svg'
    with TemporaryDirectory() as elsewhere:
        new = Path(elsewhere) / chart.name
        gains = method_gains(load_protocol(results, protocol), min_runs)
        gain_chart(gains, load_class_share(folder), new)
        stale = not chart.is_file() or shown_texts(chart) != shown_texts(new)
        if stale and not check:
            write_atomically(chart, new.read_bytes())
    return stale


def shown_texts(chart: Path) -> List[str]:
    """Lists the texts on an SVG chart."""
    return re.findall(r'<text[^>]*>([^<]*)</text>', chart.read_text(encoding='utf-8'))


def renew(check: bool) -> List[str]:
    """Renews the pages and charts; returns those that were out of date."""
    stale = []
    for name, prefix in PAGES.items():
        text = (ROOT / name).read_text(encoding='utf-8')
        filled = fill_page(text, ROOT / 'docs' / 'results', prefix)
        if filled != text:
            stale.append(name)
            if not check:
                write_atomically(ROOT / name, filled)
    return stale + [
        f'the chart of {name}'
        for name in CHARTS
        if renew_chart(name, CHARTS[name], check)
    ]


@errors_as_messages()
def main():
    """Runs the tool."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--check', action='store_true', help='write nothing')
    check = parser.parse_args().check
    stale = renew(check)
    if check and stale:
        raise SystemExit(
            f'{", ".join(stale)}: out of date; run python tools/misc/update_results.py'
        )
    print(f'{"Out of date" if check else "Renewed"}: {", ".join(stale) or "none"}')


if __name__ == '__main__':
    main()
