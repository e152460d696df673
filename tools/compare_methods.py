"""Trains methods with several seeds each and compares them: tables, charts, a report.

    python tools/compare_methods.py configs/comparisons/camvid_small.yaml

Run again, it skips what is done and goes on with what was interrupted. The matrix can
be worked off in pieces: --methods and --seeds choose, --minutes stops between
trainings, --report-only trains nothing.
"""

import argparse
import time

import mmseg_ganaug  # noqa: F401  (quiets and prepares the libraries)
from mmseg_ganaug.engine.tool_runner import ToolError
from mmseg_ganaug.method_comparison import MethodComparison
from mmseg_ganaug.method_comparison_report import write_comparison


def parse_args():
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('matrix', help='config with protocol, seeds and methods')
    parser.add_argument('--methods', nargs='+', help='only these')
    parser.add_argument('--seeds', nargs='+', type=int, help='only these')
    parser.add_argument('--minutes', type=float, help='begin no training after so long')
    parser.add_argument('--report-only', action='store_true', help='train nothing')
    parser.add_argument('--work-dir', default='work_dirs', help='for the trainings')
    parser.add_argument('--results', default='docs/results', help='for the figures')
    return parser.parse_args()


def main():
    """Works the matrix off, then writes what there is."""
    args = parse_args()
    started = time.monotonic()
    try:
        comparison = MethodComparison(args.matrix, args.work_dir, args.results)
        cells = comparison.cells(args.methods, args.seeds)
        for cell in [] if args.report_only else cells:
            minutes = (time.monotonic() - started) / 60
            if args.minutes is not None and minutes > args.minutes:
                print(f'{minutes:.0f} minutes are over: run it again to go on.')
                break
            comparison.run(cell)
        for path in write_comparison(comparison):
            print(f'Written: {path}')
    except (ToolError, FileNotFoundError, ValueError) as error:
        raise SystemExit(f'\n{error}') from error
    except KeyboardInterrupt:
        raise SystemExit('\nInterrupted: run it again to go on from here.') from None


if __name__ == '__main__':
    main()
