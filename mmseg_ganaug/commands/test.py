"""Evaluates a trained segmenter or generator."""

import argparse
import os.path as osp

from mmseg_ganaug.commands.flags import add_cfg_options, add_launcher, set_local_rank

GO_ON = 'It begins from the start again by'
TRACES = True


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


def run(args: argparse.Namespace) -> None:
    """Builds the runner and tests."""
    from mmengine.runner import Runner

    from mmseg_ganaug.config_overrides import override
    from mmseg_ganaug.config_search import has_type, nested_dicts
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
    if args.photo_counts:
        # Not by --cfg-options, which take a path with a space or a comma apart.
        for part in nested_dicts(cfg.test_evaluator):
            if has_type(part, 'ClassIoUMetric'):
                part['photo_counts'] = args.photo_counts
    if args.out:
        cfg.test_evaluator.output_dir = args.out
    runner = Runner.from_cfg(cfg)
    runner.register_hook(ProgressHook())
    runner.test()
