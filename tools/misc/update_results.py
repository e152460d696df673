"""Renews the results in README.md, docs/results.md and the metafiles of configs.

    python tools/misc/update_results.py

reads docs/results/PROTOCOL.jsonl (a run a line) and writes what stands between
``<!-- results PROTOCOL -->`` and ``<!-- end of results -->``, or
``<!-- evidence PROTOCOL -->`` and ``<!-- end of evidence -->``, with the charts of the
latter, docs/results/PROTOCOL/gains.svg of the protocols shown in README.md, and the
results of configs in configs/*/metafile.yaml. With --check it writes nothing, and fails
where one of them is out of date.
"""

import argparse
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Callable, List

from mmseg_ganaug.evaluation.differences import method_gains
from mmseg_ganaug.experiments.metafiles import with_results
from mmseg_ganaug.experiments.results_page import (
    evidence_of,
    fill_page,
    load_class_share,
    load_evidence,
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
#: Protocol whose runs stand in metafiles, and what it is evaluated on.
METAFILES = ('camvid-small', 'CamVid (dev_val)')


RESULTS = ROOT / 'docs' / 'results'


def renew_gains(protocol: str, min_runs: int, check: bool) -> List[str]:
    """Draws the chart of gains; returns its name where it was out of date."""
    folder = RESULTS / protocol
    gains = method_gains(load_protocol(RESULTS, protocol), min_runs)
    share = load_class_share(folder)
    return renew_chart(
        folder / 'gains.svg', lambda place: gain_chart(gains, share, place), check
    )


def renew_chart(chart: Path, draw: Callable[[Path], object], check: bool) -> List[str]:
    """Draws a chart; returns its name where it was out of date.

    The numbers on it are compared: libraries of another version draw other lines.
    """
    with TemporaryDirectory() as elsewhere:
        new = Path(elsewhere) / chart.name
        draw(new)
        if chart.is_file() and shown_texts(chart) == shown_texts(new):
            return []
        if not check:
            write_atomically(chart, new.read_bytes())
    return [f'the chart {chart.stem} of {chart.parent.name}']


def renew_metafiles(check: bool) -> List[str]:
    """Puts results into the metafiles; returns those that were out of date."""
    protocol, dataset = METAFILES
    runs = load_protocol(RESULTS, protocol)
    stale = []
    for path in sorted(ROOT.glob('configs/*/metafile.yaml')):
        text = path.read_text(encoding='utf-8')
        filled = with_results(text, runs, dataset)
        if filled != text:
            stale.append(str(path.relative_to(ROOT)))
            if not check:
                write_atomically(path, filled)
    return stale


def shown_texts(chart: Path) -> List[str]:
    """Lists the texts on an SVG chart."""
    return re.findall(r'<text[^>]*>([^<]*)</text>', chart.read_text(encoding='utf-8'))


def renew(check: bool) -> List[str]:
    """Renews the pages and charts; returns those that were out of date."""
    stale = []
    for name, prefix in PAGES.items():
        text = (ROOT / name).read_text(encoding='utf-8')
        filled = fill_page(text, RESULTS, prefix)
        if filled != text:
            stale.append(name)
            if not check:
                write_atomically(ROOT / name, filled)
        for protocol in evidence_of(text):
            for chart in load_evidence(RESULTS, protocol).charts():
                path = RESULTS / protocol / f'{chart.name}.svg'
                stale += renew_chart(path, chart.draw, check)
    for protocol, min_runs in CHARTS.items():
        stale += renew_gains(protocol, min_runs, check)
    return stale + renew_metafiles(check)


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
