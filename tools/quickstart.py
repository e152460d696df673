"""Shows the whole pipeline on ToyStreets, CamVid, or your own photos and masks.

Makes the data or looks at yours, trains a small pix2pixHD, generates samples, trains
PSPNet without and with them, evaluates both; ends with a table and a report. Run again,
it reuses what is done and resumes the rest.

Your own data set needs no code, two folders do:

    python tools/quickstart.py --images photos --masks masks --work-dir work_dirs/mine
"""

import argparse
import warnings

# Of libraries about themselves; the tools that are started here are as quiet.
warnings.simplefilter('ignore')

import mmseg_ganaug  # noqa: E402, F401  (prepares the libraries)
from mmseg_ganaug.experiments.quickstart import (  # noqa: E402
    DEMONSTRATIONS,
    Quickstart,
    ShippedData,
)
from mmseg_ganaug.experiments.runner import ToolError  # noqa: E402
from mmseg_ganaug.tool_errors import errors_as_messages  # noqa: E402

SHIPPED = ('dataset', 'data_root', 'num_train', 'num_val')
OWN = (
    *('images', 'masks', 'classes', 'mask_suffix', 'val_images', 'val_masks'),
    *('val_share', 'size', 'prepare'),
)


def parse_args():
    """Reads the command line; options that are not given are left out."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
    )
    parser.add_argument(
        '--work-dir',
        help='where the results go: for ToyStreets and CamVid (default: work_dirs) to '
        'quickstart-DATASET in it, for your own data set to this folder itself '
        '(default: work_dirs/quickstart-own-data)',
    )
    parser.add_argument(
        '--ways',
        nargs='+',
        choices=['add-single', 'add-multi', 'recon'],
        help='how label maps are recombined (default: recon); one segmenter is trained '
        'for each',
    )
    parser.add_argument('--seed', type=int, help='default: 0')
    parser.add_argument('--generator-iters', type=int, help='default: as its config')
    parser.add_argument('--segmenter-iters', type=int, help='default: as its config')
    shipped = parser.add_argument_group('ToyStreets and CamVid')
    shipped.add_argument(
        '--dataset', choices=DEMONSTRATIONS, help='default: toystreets'
    )
    shipped.add_argument('--data-root', help='folder of the data set')
    shipped.add_argument('--num-train', type=int, help='ToyStreets only, default: 200')
    shipped.add_argument('--num-val', type=int, help='ToyStreets only, default: 50')
    own = parser.add_argument_group('your own data set')
    own.add_argument('--images', metavar='DIR', help='folder of the photos')
    own.add_argument(
        '--masks',
        metavar='DIR',
        help='folder of the masks, of the same names: PNG files of ids, with a '
        'palette, or in a colour a class',
    )
    own.add_argument(
        '--classes',
        metavar='FILE',
        help='a class a line: "name id", "name R G B", or names in the order of the '
        'ids; "ignore" for no class (default: what is found, see classes.txt in the '
        'work dir)',
    )
    own.add_argument(
        '--mask-suffix', help='how names of masks end, where a folder holds more'
    )
    own.add_argument('--val-images', metavar='DIR', help='photos to validate on')
    own.add_argument('--val-masks', metavar='DIR', help='their masks')
    own.add_argument(
        '--val-share', type=float, help='or this share of the photos, default: 0.2'
    )
    own.add_argument(
        '--size',
        type=int,
        nargs=2,
        metavar=('W', 'H'),
        help='size in training (default: as your photos, with about 144 x 192 pixels '
        'on the CPU and 240 x 320 on a GPU)',
    )
    own.add_argument(
        '--prepare',
        action='store_true',
        help='stop when classes, split and configs are written',
    )
    args = vars(parser.parse_args())
    is_own = any(name in args for name in OWN)
    if is_own and not {'images', 'masks'} <= set(args):
        parser.error('your own data set needs --images and --masks')
    foreign = [name for name in (SHIPPED if is_own else ()) if name in args]
    if foreign:
        parser.error(f'--{foreign[0].replace("_", "-")} does not go with --images')
    return args, is_own


@errors_as_messages(ToolError)
def main():
    """Runs it and says where the report is."""
    args, is_own = parse_args()
    if is_own:
        from mmseg_ganaug.own_data.prepare import FolderData

        only_prepare = args.pop('prepare', False)
        quickstart = Quickstart(FolderData(**args))
        if only_prepare:
            quickstart.prepare()
            return
    else:
        quickstart = Quickstart(ShippedData(**args))
    print(f'Report: {quickstart.run()}')


if __name__ == '__main__':
    main()
