r"""Trains methods with several seeds each and compares them: tables, charts, a report.

    ganaug compare configs/comparisons/camvid_small.yaml

Run again, it skips what is done and goes on with what was interrupted. The matrix can
be worked off in pieces: --methods and --seeds choose, --minutes stops between
trainings, --report-only trains nothing.

--evaluate-on tests what is trained on other data, such as photos on which no setting
was chosen, into a protocol of its own; nothing is trained:

    ganaug compare configs/comparisons/camvid_small.yaml \
        --protocol camvid-small-on-test \
        --evaluate-on test_dataloader.dataset.ann_file=splits/test.txt

A method that fails does not stop the others: it is shown as failed, and the exit code
is 1. Where files of yours are in the way, nothing begins, and it is 2.
"""

import argparse
import time

from mmengine.config import DictAction

GO_ON = 'What is done is kept, and what was begun is resumed, by the same again:'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument('matrix', help='config with protocol, seeds and methods')
    parser.add_argument('--methods', nargs='+', help='only these')
    parser.add_argument('--seeds', nargs='+', type=int, help='only these')
    parser.add_argument('--minutes', type=float, help='begin no training after so long')
    parser.add_argument('--report-only', action='store_true', help='train nothing')
    parser.add_argument(
        '--work-dir', default='work_dirs', help='folder of the trainings'
    )
    parser.add_argument(
        '--out',
        help='folder for the figures, in one of the protocol (default: results beside '
        'the trainings)',
    )
    parser.add_argument(
        '--evaluate-on',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='test what is trained with these settings of the config changed, such as '
        'test_dataloader.dataset.ann_file; needs --protocol',
    )
    parser.add_argument('--protocol', help='name of the results of --evaluate-on')


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuses options without those that they need."""
    if (args.evaluate_on is None) != (args.protocol is None):
        parser.error('--evaluate-on and --protocol need each other')


def run(args: argparse.Namespace) -> None:
    """Works the matrix off, then writes what there is."""
    from mmseg_ganaug.experiments.comparison import MethodComparison

    started = time.monotonic()
    comparison = MethodComparison(
        args.matrix, args.work_dir, args.out, args.protocol, args.evaluate_on
    )
    cells = comparison.cells(args.methods, args.seeds)
    if args.report_only:
        cells = []
    comparison.check_free(cells)
    for cell in cells:
        minutes = (time.monotonic() - started) / 60
        if args.minutes is not None and minutes > args.minutes:
            print(f'{minutes:.0f} minutes are over: run it again to go on.')
            break
        comparison.attempt(cell)
    for path in comparison.report():
        print(f'Written: {path}')
    left = len(comparison.cells()) - len(comparison.results())
    if left > 0 and comparison.trained_as == comparison.protocol:
        print(f'Next:    trainings that are left: {left}; the same again goes on')
    elif left > 0:
        print(
            f'Next:    evaluations that are left: {left}; the same again goes on, once '
            f'{comparison.trained_as} is trained'
        )
    if comparison.failures:
        raise SystemExit(f'\nFailed: {", ".join(comparison.failures)}')
