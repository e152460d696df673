"""A bench as a race leaves it, of simulated counts: with or without an effect."""

import cv2
import numpy as np

from mmseg_ganaug.bench.verdict import reach_verdict
from mmseg_ganaug.evaluation.photo_counts import class_ious, counts_content

CLASSES = ['road', 'building', 'sky', 'car', 'pole', 'rider']
RARE = ['pole', 'rider']
SIMPLICITY = {
    'plain': 0,
    'class-weights-sqrt': 1,
    'focal': 2,
    'rare-class-sampling': 3,
    'real-pixels': 5,
    'recon': 6,
}


def simulated_counts(
    rng,
    effects,
    seeds=3,
    photos=40,
    rare_photos=10,
    seed_spread=0.15,
    photo_spread=0.4,
    level=-0.8,
):
    """Draws counts of runs: {treatment: int64 [seeds, photos, classes, 3]}.

    Args:
        effects: What a treatment adds to the logits of hits of rare classes.
        seed_spread: Of those logits, between seeds.
        photo_spread: Between treatments, on a photo.
        level: Logit of a hit of rare classes.
    """
    num_rare, shape = len(RARE), (photos, len(CLASSES))
    area = rng.lognormal(7, 0.7, shape)
    for column in range(len(CLASSES) - num_rare, len(CLASSES)):
        held = rng.permutation(photos) < rare_photos
        area[:, column] = np.where(held, rng.lognormal(5, 0.7, photos), 0)
    area = area.astype(np.int64)
    is_rare = np.arange(len(CLASSES)) >= len(CLASSES) - num_rare
    hardness = rng.normal(0, 0.8, shape)
    order = rng.normal(0, seed_spread, (seeds, 1, len(CLASSES)))
    counts = {}
    for name, effect in effects.items():
        logits = np.where(is_rare, level + effect, 1.5) + hardness + order
        logits = logits + rng.normal(0, seed_spread, (seeds, 1, len(CLASSES)))
        logits = logits + rng.normal(0, photo_spread, shape)
        hits = (area / (1 + np.exp(-logits))).astype(np.int64)
        union = (area * rng.uniform(1.1, 1.4, (seeds, *shape))).astype(np.int64)
        labels = np.broadcast_to(area, hits.shape)
        counts[name] = np.stack([hits, union, labels], axis=-1)
    return counts


def simulated_bench(folder, counts, simplicity=None, entered=None, fresh_seeds=False):
    """Writes the counts, and returns what stands in ``bench.json`` before a verdict."""
    simplicity = {**SIMPLICITY, **(simplicity or {})}
    first = next(iter(counts.values()))
    seeds = list(range(len(first)))
    entered = entered or list(counts)
    runs = []
    for name, found in counts.items():
        for seed in seeds:
            path = folder / 'results' / 'rung2-evaluate' / f'{name}-seed{seed}.csv'
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(counts_content(found[seed]))
            runs.append(_run(folder, path, name, seed, found[seed]))
    return {
        'schema': 1,
        'title': 'Rare classes of simulated streets',
        'command': 'ganaug bench my_project/config.py',
        'config': 'my_project/config.py',
        'seed': 0,
        'minutes': 9.5,
        'device': 'CPU',
        'versions': {'torch': '2.1.0', 'mmseg': '1.2.2'},
        'proxy': {'used': False, 'name': ''},
        'notes': [],
        'data': {
            'classes': CLASSES,
            'rare': RARE,
            'photos': {'train': 40, 'choose': 40, 'evaluate': first.shape[1]},
            'split': 'Half of the validation photos choose, the other half evaluates.',
        },
        'diagnosis': _diagnosis(),
        'treatments': [
            {
                'name': name,
                'title': name.replace('-', ' ').capitalize(),
                'simplicity': simplicity[name],
                'note': '',
                'overlay': '' if name == 'plain' else f'# {name}\nmodel = dict()\n',
                'left_after': None if name in counts else 1,
                'failed': None,
            }
            for name in entered
        ],
        'race': [
            {
                'iterations': 200,
                'seeds': [9 if fresh_seeds else 0],
                'entered': entered,
                'kept': list(counts),
            },
            {
                'iterations': 400,
                'seeds': seeds,
                'entered': list(counts),
                'kept': list(counts),
            },
        ],
        'runs': runs,
        'flat': {name: {'doubled_difference': 0.2, 'flat': True} for name in counts},
        'pairs': [],
        'disk_bytes': dict.fromkeys(counts, 25000000),
    }


def _run(folder, path, name, seed, counts):
    ious = class_ious(counts.sum(axis=0)).round(2).tolist()
    ious = [None if iou != iou else iou for iou in ious]
    miou = round(float(np.mean([iou for iou in ious if iou is not None])), 2)
    config = f'configs/{name}-400-seed{seed}.py'
    shares = {100: 0.5, 200: 0.8, 300: 0.95, 400: 1.0}
    return {
        'treatment': name,
        'seed': seed,
        'iterations': 400,
        'rung': 2,
        'on': 'evaluate',
        'mIoU': miou,
        'aAcc': 80.0,
        'per_class_iou': dict(zip(CLASSES, ious)),
        'curve': [
            [
                step,
                share * miou,
                {c: iou and iou * share for c, iou in zip(CLASSES, ious)},
            ]
            for step, share in shares.items()
        ],
        'seconds': {'train': 90.0, 'test': 4.0, 'synthesize': 0.0},
        'config': config,
        'work_dir': f'runs/{name}/400-seed{seed}',
        'command': f'python tools/train.py {config}',
        'counts': str(path.relative_to(folder)),
    }


def _diagnosis():
    def row(place, name):
        is_rare = name in RARE
        return {
            'name': name,
            'pixels': 0.004 if is_rare else 0.25,
            'photos': 0.3 if is_rare else 1.0,
            'objects': 30 if is_rare else 120,
            'median_object_cells': 1.5 if is_rare else 20.0,
            'cut_off': 0.2,
            'val_photos': 20 if is_rare else 80,
            'val_objects': 28 if is_rare else 200,
            'interval': 6.0 if is_rare else 1.0,
            'taken_for': [{'name': 'building', 'share': 0.38}] if is_rare else None,
        }

    return {
        'classes': [row(place, name) for place, name in enumerate(CLASSES)],
        'rare': RARE,
        'findings': [],
        'headroom': None,
    }


def add_pictures(bench, folder, painted=None):
    """Adds photos that were helped and harmed, findings, headroom and their pictures.

    Args:
        painted: Gives the picture of a number; by default stripes.
    """
    painted = painted or _stripes
    (folder / 'photos').mkdir(exist_ok=True)
    bench['photos'] = []
    treatment = bench['race'][-1]['kept'][-1]
    for number, difference in enumerate((-14.2, -6.1, 5.0, 21.7)):
        entry = dict(
            treatment=treatment,
            against='plain',
            file=f'street_{number:04d}.png',
            difference=difference,
        )
        for place, kind in enumerate(('photo', 'truth', 'before', 'after')):
            entry[kind] = f'photos/{number}-{kind}.png'
            cv2.imwrite(str(folder / entry[kind]), painted(4 * number + place))
        bench['photos'].append(entry)
    bench['pairs'] = [
        dict(treatment=each['name'], picture='photos/pairs.png')
        for each in bench['treatments']
        if each['name'] == 'real-pixels'
    ]
    for name in ('sizes', 'headroom', 'pairs'):
        cv2.imwrite(str(folder / 'photos' / f'{name}.png'), painted(99))
    bench['diagnosis']['findings'] = [
        dict(
            kind='objects-below-two-cells',
            classes=['rider'],
            text='The median object of rider is 1.5 cells wide: it is seen as a blur.',
            speaks_for=['larger-crops'],
            speaks_against=['ohem'],
            picture='photos/sizes.png',
        ),
        dict(
            kind='few-val-photos',
            classes=['rider'],
            text='28 objects of rider in 20 validation photos leave ±6 points of IoU.',
            speaks_for=[],
            speaks_against=[],
            picture=None,
        ),
        dict(
            kind='headroom',
            classes=[],
            text='The rare mean rises with real photos.',
            speaks_for=[],
            speaks_against=[],
            picture='photos/headroom.png',
        ),
    ]
    bench['diagnosis']['headroom'] = dict(
        photos=[10, 20, 40],
        mIoU=[30.1, 34.0, 38.2],
        rare=[5.0, 9.1, 14.4],
        rises=True,
        text='From 10 to 40 photos the rare mean rises by 9.4 points (4.1 to 14.7).',
    )
    return bench


def _stripes(number):
    rng = np.random.default_rng(number)
    colours = rng.integers(0, 256, (8, 1, 3), np.uint8)
    return np.repeat(np.repeat(colours, 32, axis=0), 512, axis=1)


def whole_bench(folder, effects, seed=0, entered=None, painted=None, **options):
    """Returns a whole ``bench.json`` with its pictures and its verdict."""
    counts = simulated_counts(np.random.default_rng(seed), effects, **options)
    bench = add_pictures(
        simulated_bench(folder, counts, entered=entered), folder, painted
    )
    bench['comparisons'], bench['verdict'] = reach_verdict(bench, folder)
    return bench
