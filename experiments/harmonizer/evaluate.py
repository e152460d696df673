"""Evaluates a harmonizer of IDD-Lite on photos of drives that it has not seen.

    python tools/train.py experiments/harmonizer/idd_lite.py
    python experiments/harmonizer/evaluate.py work_dirs/idd_lite --data data/idd_lite

Hypotheses, written before the first figure:

1. Damaged objects of ``splits/dev_val.txt``: the harmonizer takes away at least a third
   of the error of an object's mean colour, of the L1 in the object and of the L1 in the
   ring. Matching mean and spread of an object to its surroundings makes them worse.
2. Pasted objects: a small network that learns on ``dev_train`` to tell pasted objects
   from the same objects where they really stand, seen on ``dev_val``, is right less
   often by at least 5 points where they are harmonised than where they are pasted or in
   the light of the base (``match_tone``). The mask alone says what place and size give
   away: none can get below that.

Figures are added to a file of JSON Lines, one for each method and seed.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.registry import DATASETS, DefaultScope

from mmseg_ganaug.datasets import DatasetLabelSource, build_source, collect_statistics
from mmseg_ganaug.evaluation.detection import detect
from mmseg_ganaug.evaluation.perception import cut_window
from mmseg_ganaug.recompose import AddMulti
from mmseg_ganaug.recompose.canvas import DonorMaps, PhotoUse, RecomposedMap
from mmseg_ganaug.synthesis import HarmonizedPixels

CONFIG = Path(__file__).with_name('idd_lite.py')
METHODS = ('pasted', 'match_tone', 'harmonized', 'match_tone + harmonized')


def data_set(root, split, pipeline=None):
    """Returns the config of a split, with another pipeline if one is given."""
    config = Config.fromfile(CONFIG).train_dataloader.dataset.to_dict()
    config.update(data_root=str(root), ann_file=f'splits/{split}.txt')
    return config if pipeline is None else dict(config, pipeline=pipeline)


def repaired(root, harmonizer):
    """Yields figures of each damaged photo: method, what is measured, grey levels."""
    config = data_set(root, 'dev_val')
    config['pipeline'][-1].update(crop_size=(224, 320), max_objects=1)
    config['pipeline'] = [c for c in config['pipeline'] if c['type'] != 'RandomFlip']
    with DefaultScope.overwrite_default_scope('mmseg'):
        samples = DATASETS.build(config)
    for number in range(len(samples)):
        np.random.seed(number)  # noqa: NPY002
        sample = samples[number]
        photo, base, target, pasted, labels = (
            sample[key].permute(1, 2, 0).numpy()
            for key in ('photo', 'base', 'target', 'pasted', 'labels')
        )
        pasted, labels = pasted[..., 0], labels[..., 0]

        def harmonized(seen, base=base, pasted=pasted, labels=labels):
            made = RecomposedMap(labels, None, None, (), photo=seen)
            made.laid, made.base_photo = pasted, base
            return harmonizer.retouch(made)

        ring = _ring(pasted)
        matched = _matched(photo, pasted)
        for method, out in (
            ('damaged', photo),
            ('match_tone', matched),
            ('harmonized', harmonized(photo)),
            ('harmonized, though not damaged', harmonized(target)),
        ):
            off = out.astype(float) - target
            yield method, 'colour', np.abs(off[pasted].mean(axis=0)).mean()
            yield method, 'region', np.abs(off[pasted]).mean()
            yield method, 'ring', np.abs(off[ring]).mean()


def _ring(pasted, width=12):
    """Returns what lies within some pixels of what is pasted: bool [H, W]."""
    distance = cv2.distanceTransform((~pasted).view(np.uint8), cv2.DIST_L2, 3)
    return (distance > 0) & (distance <= width)


def _matched(photo, pasted):
    """Gives what is pasted mean and spread of what is not."""
    seen, rest = photo[pasted].astype(float), photo[~pasted].astype(float)
    gain = rest.std(axis=0) / np.maximum(seen.std(axis=0), 1)
    made = photo.copy()
    matched = (seen - seen.mean(axis=0)) * gain + rest.mean(axis=0)
    made[pasted] = np.round(matched).clip(0, 255).astype(np.uint8)
    return made


def crops(root, split, count, harmonizer, cache, seed=0):
    """Makes crops of real objects, and of the same objects pasted by each method.

    Returns:
        dict[str, np.ndarray]: uint8 [N, 64, 64, 4] each, the photo and the mask.
    """
    pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
    with DefaultScope.overwrite_default_scope('mmseg'):
        source = DatasetLabelSource(build_source(data_set(root, split, pipeline)))
    things = ['living', 'vehicle']
    way = AddMulti(
        classes=things, objects=dict(things=things, num_objects=1), min_area=0.002
    )
    statistics = collect_statistics(source, cache, 0, way.needs_scene)
    found = {method: [] for method in ('real', *METHODS)}
    for recipe in way.plan(statistics, count, seed):
        plain = way.recompose(recipe, source, with_photo=True)
        if not plain.laid.any():
            continue
        toned = way.recompose(recipe, source, with_photo=True, match_tone=True)
        donor = recipe.donors[0]
        maps = DonorMaps(source, donor, False, PhotoUse.AS_IT_IS)
        mask = np.zeros(maps.shape, bool)
        for layer in maps.objects(donor, recipe.parts[0]):
            mask[layer.box] |= layer.mask
        for method, photo, where in (
            ('real', source.photo(donor), mask),
            ('pasted', plain.photo, plain.laid),
            ('match_tone', toned.photo, plain.laid),
            ('harmonized', harmonizer.retouch(plain), plain.laid),
            ('match_tone + harmonized', harmonizer.retouch(toned), plain.laid),
        ):
            found[method].append(cut_window(photo, where, surroundings=0))
    return {method: np.stack(made) for method, made in found.items()}


def detected(train, test, method, seed, iterations, blind=False):
    """Trains a network to detect what a method pasted; accuracy (%) on other crops."""
    pairs = [(data[method], data['real']) for data in (train, test)]
    return 100 * detect(*pairs, seed, iterations, blind).mean()


def main():
    """Measures, prints, and adds to the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('checkpoint', help='checkpoint or work dir of the harmonizer')
    parser.add_argument('--data', type=Path, default='data/idd_lite')
    parser.add_argument('--cache', default='data/ganaug/idd_lite_harmonizer')
    parser.add_argument('--out', type=Path, default='harmonizer.jsonl')
    parser.add_argument('--name', default='small', help='name in the figures')
    parser.add_argument('--seeds', type=int, default=2, help='of the detector')
    parser.add_argument('--pasted', type=int, nargs=2, default=(900, 400))
    parser.add_argument('--iters', type=int, default=400)
    args = parser.parse_args()
    harmonizer = HarmonizedPixels(str(CONFIG), args.checkpoint, device='cpu')

    def note(**figures):
        line = json.dumps(dict(name=args.name, **figures))
        print(line, flush=True)
        with args.out.open('a') as file:
            file.write(line + '\n')

    measured = {}
    for method, what, value in repaired(args.data, harmonizer):
        measured.setdefault(method, {}).setdefault(what, []).append(value)
    for method, found in measured.items():
        means = {what: round(float(np.mean(v)), 2) for what, v in found.items()}
        note(part='repair', method=method, objects=len(found['region']), **means)
    data = [
        crops(args.data, split, count, harmonizer, args.cache)
        for split, count in zip(('dev_train', 'dev_val'), args.pasted)
    ]
    for seed in range(args.seeds):
        for method in METHODS:
            share = detected(*data, method, seed, args.iters)
            note(part='detected', method=method, seed=seed, accuracy=round(share, 1))
        share = detected(*data, 'pasted', seed, args.iters, blind=True)
        note(part='detected', method='mask alone', seed=seed, accuracy=round(share, 1))


if __name__ == '__main__':
    main()
