"""Measures, class by class, how faithfully a generator paints label maps.

A segmenter that was trained on real photos labels the generated ones. What it finds
again of the label maps, set against what it finds in the real photos of the same maps,
is the fidelity: a class near 0 leaves no trace in the photos, and pairs painted with
it teach a wrong label.
"""

import argparse
import os.path as osp

from mmengine.config import DictAction
from mmengine.registry import init_default_scope

from mmseg_ganaug.config_search import find_generated
from mmseg_ganaug.files import evenly_spread
from mmseg_ganaug.safe_configs import read_config
from mmseg_ganaug.tool_errors import errors_as_messages


def parse_args():
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('generator_config', help='config of a pix2pixHD')
    parser.add_argument('generator_checkpoint', help='its checkpoint or work dir')
    parser.add_argument('segmenter_config', help='config of a PSPNet or another model')
    parser.add_argument('segmenter_checkpoint', help='its checkpoint')
    parser.add_argument(
        '--dataset',
        help='config whose validation pairs are painted; by default that of the '
        'segmenter. The segmenter must not have been trained on them',
    )
    parser.add_argument(
        '--recomposed',
        metavar='MIXED_CONFIG',
        help='also evaluate the generated samples of this config, which are made '
        'where they are missing',
    )
    parser.add_argument(
        '--num-samples', type=int, help='pairs and samples evaluated at most, each'
    )
    parser.add_argument('--batch-size', type=int, default=4)
    parser.add_argument('--rows', type=int, default=8, help='rows of a contact sheet')
    parser.add_argument(
        '--device', help='such as cpu; by default a GPU if there is one'
    )
    parser.add_argument(
        '--out',
        help='JSON file; the contact sheets go beside it. By default '
        'work_dirs/generator_fidelity/GENERATOR_CONFIG.json',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='override settings of the generator config',
    )
    return parser.parse_args()


def recomposed_samples(args, generator_config):
    """Builds the samples that a config trains on, painted by this generator."""
    from mmseg.registry import DATASETS

    from mmseg_ganaug.datasets import DatasetLabelSource

    configs = find_generated(read_config(args.recomposed).train_dataloader.dataset)
    if not configs:
        raise SystemExit(f'{args.recomposed} trains on no GANRecomposeDataset')
    configs[0]['generator'].update(
        config=generator_config, checkpoint=args.generator_checkpoint
    )
    return DatasetLabelSource(DATASETS.build(configs[0]))


@errors_as_messages()
def main():
    """Measures, prints the tables, writes the figures and the contact sheets."""
    args = parse_args()
    init_default_scope('mmseg')
    generator_config = read_config(args.generator_config)
    if args.cfg_options is not None:
        generator_config.merge_from_dict(args.cfg_options)

    from mmseg_ganaug.evaluation.metrics import GeneratorFidelityMetric
    from mmseg_ganaug.experiments import fidelity as fidelity
    from mmseg_ganaug.synthesis import MMagicGenerator
    from mmseg_ganaug.visualization import recomposition_gallery

    segmenter = dict(
        config=args.segmenter_config,
        checkpoint=args.segmenter_checkpoint,
        device=args.device,
    )
    metric = GeneratorFidelityMetric(segmenter)
    generator = MMagicGenerator(
        generator_config, args.generator_checkpoint, args.device
    )
    dataset_config = args.dataset or args.segmenter_config
    source = read_config(dataset_config).val_dataloader.dataset
    pairs = fidelity.real_pairs(generator, source)
    classes, palette = pairs.metainfo['classes'], pairs.metainfo['palette']
    ignore_index = pairs.source.ignore_index
    metric.dataset_meta = pairs.metainfo
    generator.check(len(classes), has_instances=generator.uses_instances)
    generator.load()

    name = osp.splitext(osp.basename(args.generator_config))[0]
    out = args.out or osp.join('work_dirs', 'generator_fidelity', f'{name}.json')
    measured = {}

    def evaluate(kind, batches, total):
        # The metric logs the table of its numbers.
        measured[kind], rows = fidelity.measure(metric, batches, total, args.rows)
        sheet = f'{osp.splitext(out)[0]}_{kind}.png'
        recomposition_gallery(rows, palette, ignore_index, classes, sheet)
        print(f'Written: {sheet}')

    indices = evenly_spread(len(pairs), args.num_samples or len(pairs))
    batches = fidelity.painted_batches(generator, pairs, indices, args.batch_size)
    evaluate('generated', batches, len(indices))
    if args.recomposed:
        samples = recomposed_samples(args, generator_config)
        indices = evenly_spread(len(samples), args.num_samples or len(samples))
        evaluate('recombined', fidelity.stored_batches(samples, indices), len(indices))

    written = fidelity.save_fidelity(
        measured,
        classes,
        out,
        protocol=f'{args.segmenter_config} on {dataset_config}',
        extra={
            'generator': args.generator_config,
            'checkpoint': generator.checkpoint,
            'segmenter': args.segmenter_checkpoint,
        },
    )
    print(f'Written: {written}')


if __name__ == '__main__':
    main()
