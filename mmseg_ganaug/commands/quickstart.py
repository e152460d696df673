"""Shows the whole pipeline on ToyStreets, CamVid, or your own photos and masks.

Makes the data or looks at yours, trains a small pix2pixHD, generates samples, trains
PSPNet without and with them, evaluates both; ends with a table and a report. Run again,
it reuses what is done and resumes the rest.

Your own data set needs no code, two folders do:

    ganaug quickstart --images photos --masks masks --work-dir work_dirs/mine
"""

import argparse

from mmseg_ganaug.commands.prepare import add_common, add_own_data
from mmseg_ganaug.tool_errors import errors_as_messages

GO_ON = 'What is done is kept, and what was begun is resumed, by the same again:'
#: Of the class that runs it, which takes long to import; a test compares them.
DEMONSTRATIONS = ('toystreets', 'camvid')
SHIPPED = ('dataset', 'data_root', 'num_train', 'num_val')
OWN = (
    *('images', 'masks', 'classes', 'mask_suffix', 'val_images', 'val_masks'),
    *('val_share', 'size'),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options; those that are not given are left out."""
    parser.argument_default = argparse.SUPPRESS
    parser.add_argument(
        '--work-dir',
        help='where the results go: for ToyStreets and CamVid (default: work_dirs) to '
        'quickstart-DATASET in it, for your own data set to this folder itself '
        '(default: work_dirs/quickstart-own-data)',
    )
    add_common(parser)
    shipped = parser.add_argument_group('ToyStreets and CamVid')
    shipped.add_argument(
        '--dataset', choices=DEMONSTRATIONS, help='default: toystreets'
    )
    shipped.add_argument('--data-root', help='folder of the data set')
    shipped.add_argument('--num-train', type=int, help='ToyStreets only, default: 200')
    shipped.add_argument('--num-val', type=int, help='ToyStreets only, default: 50')
    add_own_data(parser)


def is_own_data(args: argparse.Namespace) -> bool:
    """Checks whether an option of the user's own data was given."""
    return any(name in args for name in OWN)


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuses options of two data sets."""
    if not is_own_data(args):
        return
    if not {'images', 'masks'} <= set(vars(args)):
        parser.error('your own data set needs --images and --masks')
    foreign = [name for name in SHIPPED if name in args]
    if foreign:
        parser.error(f'--{foreign[0].replace("_", "-")} does not go with --images')


def run(args: argparse.Namespace) -> None:
    """Runs it and says where the report is."""
    from mmseg_ganaug.experiments.quickstart import Quickstart, ShippedData
    from mmseg_ganaug.experiments.runner import ToolError

    options = dict(vars(args))
    with errors_as_messages(ToolError):
        if not is_own_data(args):
            quickstart = Quickstart(ShippedData(**options))
        else:
            from mmseg_ganaug.own_data.prepare import FolderData

            quickstart = Quickstart(FolderData(**options))
        print(f'Report: {quickstart.run()}')
