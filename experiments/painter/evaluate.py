"""Evaluates a painter of holes on photos of IDD-Lite that it was not trained on.

    python experiments/splits.py idd_lite
    python tools/train.py experiments/painter/idd_lite.py
    python experiments/painter/evaluate.py work_dirs/idd_lite --out inpainting.jsonl

Holes are made in ``choose.txt`` and painted again, so that the truth is known: objects
of the photo itself, and shapes of objects of other photos. Hypotheses, written before
the first figure:

1. The painter is nearer to the real photo (L1 and perceptual distance in the hole) than
   the same network that sees labels alone.
2. It is nearer in the perceptual distance than both controls that know no labels: the
   inpainting of Telea (OpenCV), and the surroundings, blurred. In L1, which likes what
   is blurred, it need not be.
3. It has more detail than both: their mean gradient is far below that of the photo.

The perceptual distance is that of :class:`EfficientNetLoss`, by which the painter was
trained, too: it flatters the painter against the controls.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmseg_ganaug.datasets import DatasetLabelSource, build_source, collect_statistics
from mmseg_ganaug.datasets.damage import filled
from mmseg_ganaug.datasets.holes import Holes
from mmseg_ganaug.models.pix2pixhd.losses import EfficientNetLoss
from mmseg_ganaug.models.pix2pixhd.photo_context import PhotoContext
from mmseg_ganaug.recompose import Recon
from mmseg_ganaug.synthesis import MMagicGenerator, PaintContext

CONFIG = Path(__file__).with_name('idd_lite.py')
KINDS = {'own objects': 1.0, 'shapes of other photos': 0.0}


def held_out():
    """Returns label maps and photos that chose nothing and trained nothing."""
    config = Config.fromfile(CONFIG).train_dataloader.dataset.source.to_dict()
    config['ann_file'] = 'idd_lite_splits/choose.txt'
    with DefaultScope.overwrite_default_scope('mmseg'):
        return DatasetLabelSource(build_source(config))


def painted(generator, photo, label_map, holes, sees=True):
    """Paints the holes of a photo: uint8 BGR [H, W, 3]."""
    context = None
    if sees:
        seen = np.where(holes[..., None], np.uint8(0), photo[..., ::-1])
        context = PaintContext(seen[None], ~holes[None], holes[None], ('',), (0,))
    made = generator.paint(label_map[None], context=context)[0, ..., ::-1]
    return np.where(holes[..., None], made, photo)


def blurred_surroundings(photo, holes, sigma=6):
    """Fills holes with what is nearest, blurred: uint8 BGR [H, W, 3]."""
    blurred = cv2.GaussianBlur(filled(photo, holes), (0, 0), sigma)
    return np.where(holes[..., None], blurred, photo)


def ways(generator, of_labels):
    """Returns what fills holes, by name."""
    found = {
        'real photo': lambda photo, labels, holes: photo,
        'Telea': lambda photo, labels, holes: cv2.inpaint(
            photo, holes.astype(np.uint8), 5, cv2.INPAINT_TELEA
        ),
        'blurred surroundings': lambda photo, labels, holes: blurred_surroundings(
            photo, holes
        ),
        'inpainted': lambda *seen: painted(generator, *seen),
    }
    if of_labels is not None:
        found['labels alone'] = lambda *seen: painted(of_labels, *seen, sees=False)
    return found


def gradient(photo):
    """Returns the absolute gradient of the grey photo: float [H, W]."""
    grey = photo.mean(axis=2)
    return np.hypot(cv2.Sobel(grey, -1, 1, 0) / 8, cv2.Sobel(grey, -1, 0, 1) / 8)


def figures(found, photo, holes, perceptual):
    """Yields what is measured in the holes, and its value."""
    yield 'l1', np.abs(found.astype(float) - photo)[holes].mean()
    both = [
        torch.from_numpy(np.ascontiguousarray(one[..., ::-1].transpose(2, 0, 1)))
        for one in (found, photo)
    ]
    tensors = [one[None].float() / 127.5 - 1 for one in both]
    counted = PhotoContext(ring=4).counted(torch.from_numpy(holes)[None, None])
    with torch.inference_mode():
        yield 'perceptual', float(perceptual(*tensors, counted))
    yield 'detail', gradient(found)[holes].mean()


def caption(row, names):
    """Writes the names above a row of pictures."""
    band = np.full((14, row.shape[1], 3), 255, np.uint8)
    for number, name in enumerate(names):
        place = (number * row.shape[1] // len(names) + 2, 11)
        cv2.putText(band, name, place, 0, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([band, row])


def recon_rows(source, methods, cache, count):
    """Makes rows of recombined photos: with holes, and with holes painted."""
    names = [name for name in methods if name != 'real photo']
    way = Recon(things=['living', 'vehicle'])
    plan = way.plan(collect_statistics(source, cache, 0, way.needs_scene), count, 0)
    rows = []
    for recipe in plan:
        made = way.recompose(recipe, source, with_photo=True, match_tone=True)
        holes = ~made.shown
        marked = np.where(holes[..., None], np.uint8((255, 0, 255)), made.photo)
        args = made.photo, made.label_map, holes
        rows.append(np.hstack([marked, *(methods[name](*args) for name in names)]))
    return caption(np.vstack(rows), ('Recon, holes', *names))


def main():
    """Measures, prints, adds to the file, and draws."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('checkpoint', help='checkpoint or work dir of the painter')
    parser.add_argument(
        '--labels',
        help='checkpoint of a training with model.context.whole_iters: what the same '
        'network paints of labels alone',
    )
    parser.add_argument('--cache', default='data/ganaug/idd_lite_painter')
    parser.add_argument('--out', type=Path, default='inpainting.jsonl')
    parser.add_argument('--name', default='tiny', help='name in the figures')
    parser.add_argument('--photos', type=int, default=60)
    parser.add_argument('--rows', type=int, default=6, help='of the pictures')
    args = parser.parse_args()
    generator, of_labels = (
        path and MMagicGenerator(str(CONFIG), path, device='cpu', precision='fp32')
        for path in (args.checkpoint, args.labels)
    )
    source, perceptual = held_out(), EfficientNetLoss()
    methods = ways(generator, of_labels)
    for kind, own_prob in KINDS.items():
        shapes = Holes(own_prob=own_prob, share=(0.02, 0.2))
        measured, rows = {name: {} for name in methods}, []
        step = len(source) // args.photos
        for number in range(args.photos):
            index = number * step
            label_map, photo = source.label_map(index), source.photo(index)
            rng = np.random.default_rng(number)
            holes = shapes.draw(label_map, None, source, rng)
            if not holes.any():
                continue
            made = {name: way(photo, label_map, holes) for name, way in methods.items()}
            for name, found in made.items():
                for what, value in figures(found, photo, holes, perceptual):
                    measured[name].setdefault(what, []).append(value)
            if number % (args.photos // args.rows) == 0:
                marked = np.where(holes[..., None], np.uint8((255, 0, 255)), photo)
                rows.append(np.hstack([marked, *made.values()]))
        for name, values in measured.items():
            means = {what: round(float(np.mean(v)), 3) for what, v in values.items()}
            count = len(values['l1'])
            line = json.dumps(
                dict(name=args.name, holes=kind, method=name, photos=count, **means)
            )
            print(line, flush=True)
            with args.out.open('a') as file:
                file.write(line + '\n')
        picture = caption(np.vstack(rows), ('hole', *methods))
        cv2.imwrite(str(args.out.with_name(f'{kind.split()[0]}.png')), picture)
    rows = recon_rows(source, methods, args.cache, args.rows)
    cv2.imwrite(str(args.out.with_name('recon.png')), rows)


if __name__ == '__main__':
    main()
