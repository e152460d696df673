"""Renews the tables of results in README.md and docs/results.md.

    python tools/misc/update_results.py

reads docs/results/PROTOCOL/METHOD/seedK/results.json and writes what stands between
``<!-- results PROTOCOL -->`` and ``<!-- end of results -->``. With --check it writes
nothing, and fails where a table is out of date.
"""

import argparse
from pathlib import Path

from mmseg_ganaug.atomic_write import write_atomically
from mmseg_ganaug.evaluation.results_page import fill_page

ROOT = Path(__file__).resolve().parents[2]
#: Page -> what leads from it to the root.
PAGES = {'README.md': '', 'docs/results.md': '../'}


def main():
    """Renews or checks the pages."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--check', action='store_true', help='write nothing')
    check = parser.parse_args().check
    stale = []
    for name, prefix in PAGES.items():
        text = (ROOT / name).read_text(encoding='utf-8')
        try:
            filled = fill_page(text, ROOT / 'docs' / 'results', prefix)
        except (FileNotFoundError, ValueError) as error:
            raise SystemExit(f'{name}: {error}') from error
        if filled != text:
            stale.append(name)
            if not check:
                write_atomically(ROOT / name, filled)
    if check and stale:
        raise SystemExit(
            f'{", ".join(stale)}: out of date; run python tools/misc/update_results.py'
        )
    print(f'{"Out of date" if check else "Renewed"}: {", ".join(stale) or "none"}')


if __name__ == '__main__':
    main()
