"""Shows the samples of a mixed data set behind its augmentation.

Writes a contact sheet: photo, label map and both over each other, ignored pixels
hatched; generated samples are named and framed in orange, real ones in blue. What the
cache of a generated data set lacks is generated first, as training would do.
"""

import argparse
import os.path as osp
from typing import List

from mmseg_ganaug.commands.flags import add_cfg_options, add_seed
from mmseg_ganaug.commands.named_files import figure_file, figures_folder
from mmseg_ganaug.config_overrides import override
from mmseg_ganaug.config_search import dataset_of, has_type, model_of
from mmseg_ganaug.files import drawn_by, evenly_spread

GO_ON = 'Samples that were generated are kept; it begins again by'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument('config', help='config file of a training')
    parser.add_argument(
        '--num-samples',
        type=int,
        default=12,
        help='samples shown, of each kind half; 0: all',
    )
    parser.add_argument(
        '--kind',
        choices=['both', 'real', 'generated'],
        default='both',
        help='which samples are shown',
    )
    parser.add_argument(
        '--out',
        help='the contact sheet (default: work_dirs/browse_dataset/NAME_OF_CONFIG.png)',
    )
    parser.add_argument(
        '--show-dir', help='folder for a picture of each sample: photo and overlay'
    )
    parser.add_argument('--show', action='store_true', help='open a window')
    parser.add_argument(
        '--show-interval', type=float, default=2, help='seconds in the window'
    )
    add_seed(parser, 'the augmentation')
    add_cfg_options(parser)


def pick(mask, kind: str, number: int) -> List[int]:
    """Picks samples, evenly spread: the places of the real, then of the generated."""
    import numpy as np

    kinds = {'real': np.flatnonzero(~mask), 'generated': np.flatnonzero(mask)}
    chosen = [
        places
        for name, places in kinds.items()
        if kind in ('both', name) and len(places)
    ]
    if not chosen:
        raise SystemExit(f'there are no {kind} samples in the data set')
    most = -(-number // len(chosen)) or len(mask)
    return [
        int(places[at]) for places in chosen for at in evenly_spread(len(places), most)
    ]


def build_painter(cfg):
    """Builds the data preprocessor that paints in training; None without one."""
    import torch
    from mmseg.registry import MODELS

    # A config of the data alone has no model.
    model = model_of(cfg) if cfg.get('model') else {}
    preprocessor = model.get('data_preprocessor') or {}
    if not has_type(preprocessor, 'GANSegDataPreProcessor'):
        return None
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    return MODELS.build(preprocessor).to(device)


def load(dataset, place, painter):
    """Loads a sample, and has its photo painted where training would."""
    packed = dataset[place]
    batch = {key: [value] for key, value in packed.items()}
    if painter is not None:
        batch = painter.paint_batch(batch)
    return batch['inputs'][0], batch['data_samples'][0]


def run(args: argparse.Namespace) -> None:
    """Writes the sheet."""
    import cv2
    import mmcv
    import mmengine
    import numpy as np
    from mmengine.registry import init_default_scope

    from mmseg_ganaug.safe_configs import read_config

    cfg = read_config(args.config)
    override(cfg, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))

    from mmengine.runner import set_random_seed
    from mmseg.registry import DATASETS, VISUALIZERS

    from mmseg_ganaug.datasets import generated_mask
    from mmseg_ganaug.engine.mixed_samples import SampleReader
    from mmseg_ganaug.visualization import GalleryRow, recomposition_gallery

    name = osp.splitext(osp.basename(args.config))[0]
    sheet, write = figure_file(args.out, f'work_dirs/browse_dataset/{name}.png')
    pictures = figures_folder(args.show_dir, '--show-dir') if args.show_dir else None
    dataset = DATASETS.build(dataset_of(cfg))
    sampler = cfg.train_dataloader.get('sampler') or {}
    mask = generated_mask(dataset, sampler.get('generated'))
    reader = SampleReader(dataset)
    painter = build_painter(cfg)
    window = VISUALIZERS.build(cfg.visualizer) if args.show else None
    set_random_seed(args.seed)
    rows = []
    for place in mmengine.track_iter_progress(pick(mask, args.kind, args.num_samples)):
        sample = reader.read(*load(dataset, place, painter))
        overlay = sample.overlay(reader.palette, reader.ignore_index)
        title = f'{place:06d}_{sample.kind}_{osp.splitext(sample.name)[0]}'
        picture = np.hstack([sample.photo, overlay])
        if pictures is not None:
            content = cv2.imencode('.png', picture)[1].tobytes()
            pictures.write(pictures.folder / f'{title}.png', content)
        if window is not None:
            shown = mmcv.bgr2rgb(picture)
            window.show(shown, win_name=title, wait_time=args.show_interval)
        cells = dict(photo=sample.photo, labels=sample.label_map, overlay=overlay)
        rows.append(GalleryRow(cells, f'{sample.kind}: {sample.name}'))
    names = reader.class_names
    with drawn_by(write, sheet) as drawn:
        recomposition_gallery(rows, reader.palette, reader.ignore_index, names, drawn)
    print(f'\nWritten: {sheet}')
