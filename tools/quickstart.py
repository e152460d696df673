"""Shows the whole pipeline on ToyStreets, or on CamVid: ends with a table and a report.

Makes the data, trains a small pix2pixHD, generates samples, trains PSPNet without and
with them, evaluates both. Run again, it reuses what is done and resumes the rest.
"""

import argparse

import mmseg_ganaug  # noqa: F401  (quiets and prepares the libraries)
from mmseg_ganaug.engine.tool_runner import ToolError
from mmseg_ganaug.quickstart import DEMONSTRATIONS, Quickstart


def parse_args():
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--dataset', choices=DEMONSTRATIONS, default='toystreets')
    parser.add_argument('--data-root', help='folder of the data set')
    parser.add_argument('--work-dir', default='work_dirs')
    parser.add_argument(
        '--ways',
        nargs='+',
        choices=['add-single', 'add-multi', 'recon'],
        default=['recon'],
        help='how label maps are recombined; one segmenter is trained for each',
    )
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--num-train', type=int, default=200, help='ToyStreets only')
    parser.add_argument('--num-val', type=int, default=50, help='ToyStreets only')
    parser.add_argument('--generator-iters', type=int, help='default: as its config')
    parser.add_argument('--segmenter-iters', type=int, help='default: as its config')
    return parser.parse_args()


def main():
    """Runs it and says where the report is."""
    try:
        report = Quickstart(**vars(parse_args())).run()
    except (ToolError, FileNotFoundError) as error:
        raise SystemExit(f'\n{error}') from error
    except KeyboardInterrupt:
        raise SystemExit('\nInterrupted: run it again to go on from here.') from None
    print(f'Report: {report}')


if __name__ == '__main__':
    main()
