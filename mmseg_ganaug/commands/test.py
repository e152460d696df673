"""Evaluates a trained segmenter or generator."""

import argparse
import os.path as osp
from pathlib import Path
from typing import List

from mmseg_ganaug.commands.flags import add_cfg_options, add_launcher, set_local_rank
from mmseg_ganaug.config_search import nested_dicts, type_name

GO_ON = 'It begins from the start again by'
TRACES = True
_PURPOSE = 'predicted label maps'
_WRITERS = ('IoUMetric', 'ClassIoUMetric', 'CityscapesMetric')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options, after those of MMSeg's test.py."""
    parser.add_argument('config', help='config file that the model was trained with')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--work-dir',
        help='folder for the metrics, as JSON (default: that of the config, or '
        'work_dirs/NAME_OF_CONFIG)',
    )
    parser.add_argument('--photo-counts', help='CSV file: pixel counts of each photo')
    parser.add_argument('--out', help='folder for the predicted label maps')
    parser.add_argument('--show-dir', help='folder for painted predictions')
    add_cfg_options(parser)
    add_launcher(parser)
    parser.add_argument('--tta', action='store_true', help='test-time augmentation')


def write_predictions(cfg, folder: str) -> None:
    """Has the metric of the test, or those of several that can, write label maps."""
    found = [cfg.test_evaluator]
    if isinstance(cfg.test_evaluator, (list, tuple)):
        found = [part for part in metrics_of(cfg) if type_name(part) in _WRITERS]
    if not found:
        raise SystemExit(
            '--out needs a metric in test_evaluator that writes predictions: '
            f'{" or ".join(_WRITERS)}'
        )
    for metric in found:
        metric['output_dir'] = folder
        if type_name(metric) == 'CityscapesMetric':
            # Else it removes the folder in the end, with all that is in it.
            metric['keep_results'] = True


def count_photos(cfg, path: str) -> None:
    """Has the metric of the test write the counts of each photo."""
    found = [part for part in metrics_of(cfg) if type_name(part) == 'ClassIoUMetric']
    if not found:
        raise SystemExit('--photo-counts needs a ClassIoUMetric in test_evaluator')
    for metric in found:
        metric['photo_counts'] = path


def metrics_of(cfg) -> List[dict]:
    """Lists the configs of the metrics of the test, of which there may be several."""
    return [part for part in nested_dicts(cfg.test_evaluator) if 'type' in part]


def claim_folder(folder: str, work_dir: str) -> None:
    """Marks the folder of predictions: metrics name them as the photos are named.

    Label maps of the user have the same names.

    Args:
        folder (str): Missing, empty, or of an earlier test.
        work_dir (str): Of the runner, which may lie in it.

    Raises:
        InTheWayError: When it holds something else.
    """
    from mmseg_ganaug.in_the_way import InTheWayError
    from mmseg_ganaug.ownership import read_mark, write_mark

    place, mark = Path(folder), read_mark(folder)
    work = Path(work_dir).resolve()
    own = (work, *work.parents)
    is_free = not osp.lexists(place) or (
        place.is_dir() and all(path.resolve() in own for path in place.iterdir())
    )
    if not is_free and (mark is None or mark.purpose != _PURPOSE):
        raise InTheWayError([place], 'Give an empty folder by --out.')
    write_mark(place, _PURPOSE)


def keep_other_file(path: str) -> None:
    """Keeps a file of something else beside the place where counts go.

    Args:
        path (str): Of the CSV file.
    """
    from mmseg_ganaug.evaluation.photo_counts import read_counts
    from mmseg_ganaug.ownership import keep_beside, say_kept

    if osp.lexists(path):
        try:
            read_counts(path)
        except ValueError:
            say_kept(keep_beside(path), f'{path} is written anew')


def run(args: argparse.Namespace) -> None:
    """Builds the runner and tests."""
    from mmengine.runner import Runner

    from mmseg_ganaug.config_overrides import override
    from mmseg_ganaug.datasets.statistics import on_main_process
    from mmseg_ganaug.progress_hook import ProgressHook
    from mmseg_ganaug.safe_configs import read_config
    from mmseg_ganaug.tool_errors import errors_as_messages

    set_local_rank(args)
    with errors_as_messages():
        cfg = read_config(args.config)
    cfg.launcher = args.launcher
    override(cfg, args.cfg_options)
    name = osp.splitext(osp.basename(args.config))[0]
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or osp.join('work_dirs', name)
    cfg.load_from = args.checkpoint
    if args.show_dir:
        hooks = cfg.default_hooks
        if 'visualization' not in hooks:
            raise SystemExit('--show-dir needs default_hooks.visualization (MMSeg)')
        hooks.visualization.draw = True
        cfg.visualizer.save_dir = args.show_dir
    if args.tta:
        cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline
        cfg.tta_model.module = cfg.model
        cfg.model = cfg.tta_model
    # Not by --cfg-options, which take a path with a space or a comma apart.
    if args.photo_counts:
        count_photos(cfg, args.photo_counts)
    if args.out:
        write_predictions(cfg, args.out)
    runner = Runner.from_cfg(cfg)
    # Here, since from now on it is known which process is the main one.
    with errors_as_messages():
        if args.photo_counts:
            on_main_process(lambda: keep_other_file(args.photo_counts))
        if args.out:
            on_main_process(lambda: claim_folder(args.out, runner.work_dir))
    runner.register_hook(ProgressHook())
    runner.test()
