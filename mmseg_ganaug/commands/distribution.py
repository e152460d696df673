"""Shows how often each class of a data set occurs: table, chart and JSON.

For a config that trains on generated samples too, also the frequencies with them, as
planned and as counted. With --iou, how frequency and IoU of the classes go together.

With --class-weights FILE.json (or .npy) and --formula, the weights that
class_weight='FILE.json' of MMSeg's own losses and of ClassWeightedCrossEntropyLoss
reads. A class counts in the maps that show it: its frequency is its share of their
labelled pixels.

    median   the median of the frequencies over that of the class
    sqrt     its square root
    rare     the same, but never below one

ClassWeightedCrossEntropyLoss computes them itself by class_weight='inverse' (median),
'inverse-sqrt' (sqrt) or 'rare'.

Without --formula the file holds all three, as class_weight_median and so on: a config
that has it in its _base_ takes class_weight=_base_.class_weight_rare.

Any MMSeg data set config does, ConcatDataset and RepeatDataset too; a label map counts
once, however often training repeats it. Photos are not needed: where they are missing,
their sizes are not compared. MMSeg lists the samples by the photos' names, or by
ann_file; where there are label maps alone, let their names stand for the photos':

    dataset=dict(
        type='BDD100KDataset',
        data_prefix=dict(img_path='annotations', seg_map_path='annotations'),
        img_suffix='_train_id.png',
        seg_map_suffix='_train_id.png',
        ...)
"""

import argparse
import io
import json
from pathlib import Path
from typing import Optional

from mmseg_ganaug.commands.flags import add_cfg_options, add_jobs
from mmseg_ganaug.commands.named_files import figures_folder, write_named
from mmseg_ganaug.config_search import type_name
from mmseg_ganaug.ownership import WorkFolder

GO_ON = 'What was read is kept; it goes on by'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument('config', help='config file with the data set')
    parser.add_argument(
        '--split',
        choices=['train', 'val', 'test'],
        default='train',
        help='whose label maps are counted',
    )
    parser.add_argument(
        '--out', default='work_dirs/label_distribution', help='folder for the figures'
    )
    parser.add_argument(
        '--cache-dir',
        default='data/ganaug',
        help='folder in which the statistics are kept',
    )
    add_jobs(parser, 'read label maps', 2)
    parser.add_argument(
        '--iou', help='results.json of a run: draws class IoU over class frequency'
    )
    parser.add_argument('--class-weights', help='file for class weights of a loss')
    parser.add_argument(
        '--formula', choices=['median', 'sqrt', 'rare'], help='of --class-weights'
    )
    add_cfg_options(parser)


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuses files that cannot hold what is asked for."""
    if args.formula and not args.class_weights:
        parser.error('--formula needs --class-weights FILE')
    suffix = Path(args.class_weights).suffix if args.class_weights else '.json'
    if suffix not in ('.json', '.npy') or (suffix == '.npy' and not args.formula):
        parser.error('--class-weights: FILE.json, or with --formula also FILE.npy')


def write_class_weights(statistics, path: str, formula: Optional[str]) -> None:
    """Writes the class weights of one formula, or of all as a base config."""
    import numpy as np

    from mmseg_ganaug.datasets.class_weighted_loss import weights_by_frequency

    found = weights_by_frequency(statistics.pixels)
    content = io.BytesIO()
    if Path(path).suffix == '.npy':
        np.save(content, found[str(formula)])
    elif formula:
        content.write(json.dumps(found[formula]).encode() + b'\n')
    else:
        lines = [f'"class_weight_{name}": {found[name]}' for name in found]
        content.write(('{\n  ' + ',\n  '.join(lines) + '\n}\n').encode())
    write_named(path, content.getvalue())
    print(f'Written: {path}')


def show_balance(config: dict, number: int, out: WorkFolder) -> dict:
    """Prints and draws how a generated data set moves the class distribution."""
    from mmseg.registry import DATASETS

    from mmseg_ganaug.evaluation import Table
    from mmseg_ganaug.visualization import class_frequency_chart

    report = DATASETS.build(dict(config, lazy_init=True)).balance()
    counted = {
        'before': report.before,
        'planned': report.planned,
        'after': report.after,
    }
    header = ['class', *(f'% of pixels {when}' for when in counted)]
    header += [f'% of images {when}' for when in counted]
    if report.target is not None:
        header.append('target')
    rows = []
    for class_id, name in enumerate(report.class_names):
        pixels = [f'{100 * s.pixel_frequency[class_id]:.3f}' for s in counted.values()]
        images = [f'{100 * s.image_frequency[class_id]:.1f}' for s in counted.values()]
        target = []
        if report.target is not None:
            target = [f'{100 * report.target[class_id]:.3f}']
        rows.append([name, *pixels, *images, *target])
    recomposer = type_name(config['recomposer'])
    notes = []
    if report.target is not None:
        found = ', '.join(f'{k} {s.divergence:.4f}' for k, s in counted.items())
        notes = [f'Divergence from the target, KL in nats: {found}']
    table = Table(
        header=header, rows=rows, title=f'{number}: {recomposer}', notes=notes
    )
    print(table.to_text(width=120))
    shares = {
        'real': report.before.pixel_frequency,
        f'real + {recomposer}': report.after.pixel_frequency,
    }
    with out.drawn(out.folder / f'balance_{number}_{recomposer}.png') as chart:
        class_frequency_chart(report.class_names, shares, chart)
    return report.to_dict()


def run(args: argparse.Namespace) -> None:
    """Writes label_distribution.{json,png} and prints the table."""
    from mmengine.registry import init_default_scope

    from mmseg_ganaug.config_overrides import override
    from mmseg_ganaug.config_search import dataset_of, find_generated
    from mmseg_ganaug.safe_configs import read_config

    cfg = read_config(args.config)
    override(cfg, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))

    from mmseg_ganaug.datasets import (
        DatasetLabelSource,
        build_source,
        collect_statistics,
    )
    from mmseg_ganaug.evaluation import Table, load_results
    from mmseg_ganaug.visualization import (
        class_frequency_chart,
        frequency_against_iou_chart,
    )

    out = figures_folder(args.out)
    chart, figures = (
        out.folder / f'label_distribution{ending}' for ending in ('.png', '.json')
    )
    out.check_free([chart, figures])
    source = DatasetLabelSource(build_source(dataset_of(cfg, args.split)))
    names = list(source.class_names)
    # Before what takes long.
    results = load_results(args.iou) if args.iou else []
    for result in results:
        if missing := [name for name in names if name not in result.per_class_iou]:
            raise SystemExit(
                f'{args.iou}: {result.method} (seed {result.seed}) has no IoU of '
                f'{", ".join(missing)}: give results on the classes of {args.config}'
            )
    statistics = collect_statistics(source, args.cache_dir, args.jobs)
    instances = statistics.instances
    values = {
        'classes': names,
        'maps': statistics.num_maps,
        'pixel_frequency': statistics.frequency.tolist(),
        'image_frequency': statistics.image_frequency.tolist(),
        'instances': None if instances is None else instances.sum(axis=0).tolist(),
        'ignored': float(
            statistics.ignored.sum() / statistics.sizes.prod(axis=1).sum()
        ),
    }
    rows = [
        [name, f'{100 * pixels:.3f}', f'{100 * images:.1f}']
        for name, pixels, images in zip(
            names, values['pixel_frequency'], values['image_frequency']
        )
    ]
    header = ['class', '% of labelled pixels', '% of images']
    if instances is not None:
        header.append('instances')
        rows = [[*row, str(n)] for row, n in zip(rows, values['instances'])]
    print(
        Table(
            header=header,
            rows=rows,
            title=f'{statistics.num_maps} label maps, '
            f'{100 * values["ignored"]:.2f} % of the pixels ignored',
        ).to_text()
    )
    with out.drawn(chart) as drawn:
        class_frequency_chart(names, {args.split: statistics.frequency}, drawn)
    for result in results:
        run = f'{result.method}_seed{result.seed}'
        with out.drawn(out.folder / f'frequency_against_iou_{run}.png') as drawn:
            correlation = frequency_against_iou_chart(
                names, statistics.frequency.tolist(), result.per_class_iou, drawn
            )
        print(f'{run}: rank correlation with IoU {correlation:.3f}')
    if args.class_weights:
        write_class_weights(statistics, args.class_weights, args.formula)
    if args.split == 'train':
        generated = find_generated(dataset_of(cfg))
        values['generated'] = [
            show_balance(config, number, out) for number, config in enumerate(generated)
        ]
    out.write(figures, json.dumps(values, indent=2) + '\n')
    print(f'Written: {figures} and the charts beside it')
