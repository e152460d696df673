"""Splits the training frames of IDD-Lite: photos to choose settings on, and subsets.

    python experiments/idd_lite_splits.py data/idd_lite data/idd_lite_splits

Every eighth drive of ``splits/dev_train.txt`` goes to ``choose.txt``; settings are
chosen on it, so that ``splits/dev_val.txt`` has chosen nothing. The other frames are
the pool. ``train_N.txt`` holds N frames of it, drawn with seed 0; the smaller subsets
are part of the larger ones.
"""

import argparse
from pathlib import Path

import numpy as np

SIZES = (25, 50, 100, 200, 400, 800)


def main():
    """Writes the lists of frames."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('data_root', type=Path, help='folder of IDD-Lite')
    parser.add_argument('out', type=Path, help='folder of the lists')
    args = parser.parse_args()
    frames = (args.data_root / 'splits/dev_train.txt').read_text().split()
    drives = sorted({frame.split('_')[0] for frame in frames})
    chosen = set(drives[::8])
    pool = [frame for frame in frames if frame.split('_')[0] not in chosen]
    order = np.random.default_rng(0).permutation(len(pool))
    lists = {
        'choose': [frame for frame in frames if frame.split('_')[0] in chosen],
        'train_all': pool,
        **{f'train_{size}': [pool[i] for i in sorted(order[:size])] for size in SIZES},
    }
    args.out.mkdir(parents=True, exist_ok=True)
    for name, members in lists.items():
        path = args.out / f'{name}.txt'
        path.write_text('\n'.join(members) + '\n')
        print(f'{path}: {len(members)} frames')


if __name__ == '__main__':
    main()
