"""Splits training photos: some to choose settings on, and subsets of the others.

    python experiments/splits.py idd_lite

reads ``data/idd_lite`` and leaves lists in ``data/idd_lite_splits``. ``choose.txt`` is
what settings are chosen on, so that the photos that judge have chosen nothing: every
eighth drive of the training frames of ``idd_lite``, every sixth photo of ``facades``,
whose ``judge.txt`` lists the photos of ``val``.
``camvid`` has two drives, too few to hold one out: nothing is chosen on it.
``train_N.txt`` holds N of the other photos, drawn with seed 0 (of ``camvid``, a film:
every eighth, fourth, second); the smaller subsets are part of the larger ones.
"""

import argparse
from pathlib import Path

import numpy as np

SIZES = (25, 50, 100, 200, 400, 800)


def drawn(pool):
    """Subsets of photos that are drawn at random."""
    order = np.random.default_rng(0).permutation(len(pool))
    return {
        f'train_{size}': [pool[i] for i in sorted(order[:size])]
        for size in SIZES
        if size < len(pool)
    }


def idd_lite(root):
    """Whole drives are kept to choose on."""
    frames = (root / 'splits/dev_train.txt').read_text().split()
    drives = sorted({frame.split('_')[0] for frame in frames})
    chosen = set(drives[::8])
    pool = [frame for frame in frames if frame.split('_')[0] not in chosen]
    choose = [frame for frame in frames if frame.split('_')[0] in chosen]
    return {'choose': choose, 'train_all': pool, **drawn(pool)}


def facades(root):
    """Each photo shows another house."""
    photos = sorted(file.stem for file in (root / 'images/train').iterdir())
    pool = [photo for i, photo in enumerate(photos) if i % 6]
    judge = sorted(file.stem for file in (root / 'images/val').iterdir())
    return {
        'choose': photos[::6],
        'judge': judge,
        'train_all': pool,
        **drawn(pool),
    }


def camvid(root):
    """Frames of a film repeat each other: subsets leave out frames."""
    frames = (root / 'splits/dev_train.txt').read_text().split()
    subsets = [frames[::step] for step in (8, 4, 2)]
    return {'train_all': frames, **{f'train_{len(some)}': some for some in subsets}}


def main():
    """Writes the lists of photos."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data_sets = {'idd_lite': idd_lite, 'facades': facades, 'camvid': camvid}
    parser.add_argument('data_set', choices=data_sets)
    args = parser.parse_args()
    lists = data_sets[args.data_set](Path('data', args.data_set))
    out = Path('data', f'{args.data_set}_splits')
    out.mkdir(parents=True, exist_ok=True)
    for name, members in lists.items():
        path = out / f'{name}.txt'
        path.write_text('\n'.join(members) + '\n')
        print(f'{path}: {len(members)} photos')


if __name__ == '__main__':
    main()
