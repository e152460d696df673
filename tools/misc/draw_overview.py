"""Draws docs/overview.svg, the picture in README.md, of a real recombination.

    python tools/misc/draw_overview.py CONFIG [--recipe 0] [--checkpoint GENERATOR]

The label maps are drawn as they are. Photos become areas of few colours: a drawing of
some kilobytes of text, not the photos themselves.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

import mmseg_ganaug  # noqa: F401  (makes the bare names of its classes known)
from mmseg_ganaug.config_search import find_generated
from mmseg_ganaug.files import write_atomically

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 256  # of a panel, in units of the drawing
GAP = 46
COLOURS = 20


def parse_args():
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config with an AddMulti data set')
    parser.add_argument('--recipe', type=int, default=0, help='number of the sample')
    parser.add_argument(
        '--checkpoint', help="of the generator, instead of the config's"
    )
    parser.add_argument(
        '--out',
        default=str(ROOT / 'docs' / 'overview.svg'),
        help='the drawing (default: docs/overview.svg)',
    )
    return parser.parse_args()


def areas(labels, colours, smallest):
    """Draws an image of few values as SVG paths, one for each value.

    Args:
        labels (np.ndarray): uint8 [H, W].
        colours (np.ndarray): uint8 RGB [n, 3], by value.
        smallest (int): Pixels below which an area is left out.
    """
    height, width = labels.shape
    scale = WIDTH / width
    values, counts = np.unique(labels, return_counts=True)
    fill = '#{:02x}{:02x}{:02x}'.format
    background = values[counts.argmax()]
    parts = [
        f'<rect width="{WIDTH}" height="{height * scale:g}" '
        f'fill="{fill(*colours[background])}"/>'
    ]
    for value in values[np.argsort(-counts)]:
        if value == background:
            continue
        # Enlarged, so that contours run along the borders of pixels.
        mask = (labels == value).astype(np.uint8).repeat(4, 0).repeat(4, 1)
        contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        path = ''
        for contour in contours:
            if cv2.contourArea(contour) < 16 * smallest:
                continue
            points = cv2.approxPolyDP(contour, 2, True)[:, 0] * scale / 4
            path += 'M' + ' '.join(f'{x:.0f},{y:.0f}' for x, y in points) + 'Z'
        if path:
            colour = fill(*colours[value])
            parts.append(
                f'<path d="{path}" fill="{colour}" stroke="{colour}" '
                'stroke-width="0.6" fill-rule="evenodd"/>'
            )
    return '\n'.join(parts)


def drawn_photo(photo):
    """Draws a uint8 RGB photo [H, W, 3] in a few colours."""
    smooth = cv2.bilateralFilter(photo, 5, 30, 3)
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 1.0)
    samples = smooth.reshape(-1, 3).astype(np.float32)
    _, values, centres = cv2.kmeans(
        samples, COLOURS, None, stop, 2, cv2.KMEANS_PP_CENTERS
    )
    labels = values.reshape(photo.shape[:2]).astype(np.uint8)
    return areas(labels, np.round(centres).astype(np.uint8), 4)


def main():
    """Recombines, paints and draws."""
    args = parse_args()
    # Here, so that help and wrong arguments are answered at once.
    from mmengine.registry import init_default_scope

    from mmseg_ganaug.recompose import split_layers
    from mmseg_ganaug.registry import DATASETS
    from mmseg_ganaug.safe_configs import read_config
    from mmseg_ganaug.synthesis import MMagicGenerator

    config = find_generated(read_config(args.config).train_dataloader.dataset)[0]
    if args.checkpoint:
        config.generator.checkpoint = args.checkpoint
    init_default_scope('mmseg')
    dataset = DATASETS.build(dict(config, lazy_init=True))
    source = dataset.label_source()
    plan, recomposer = dataset.plan()
    recipe = plan[args.recipe]
    made = recomposer.recompose(recipe, source)
    generator = MMagicGenerator(**config.generator)
    generator.load()
    instances = None if made.instance_map is None else made.instance_map[None]
    photo = generator.paint(made.label_map[None], instances)[0]

    palette = np.full((256, 3), 255, np.uint8)
    palette[: source.num_classes] = dataset.metainfo['palette']
    layers = np.full(made.label_map.shape, 255, np.uint8)
    for class_id, donor in zip(recipe.classes, made.pasted):
        if donor is not None:
            for layer in split_layers(source.label_map(donor), [class_id]):
                layers[layer.full_mask(layers.shape)] = class_id
    panels = [
        ('a label map', areas(source.label_map(recipe.base), palette, 1)),
        ('+', 'layers of rare classes', areas(layers, palette, 1)),
        ('=', 'a new label map', areas(made.label_map, palette, 1)),
        ('→', 'its photo, by pix2pixHD', drawn_photo(photo)),
    ]
    height = WIDTH * photo.shape[0] // photo.shape[1]
    total = len(panels) * (WIDTH + GAP) - GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {height + 26}" '
        'font-family="sans-serif" font-size="16" text-anchor="middle" fill="#666">'
    ]
    for number, (*sign, title, drawing) in enumerate(panels):
        left = number * (WIDTH + GAP)
        if sign:
            parts.append(
                f'<text x="{left - GAP / 2}" y="{height / 2 + 9}" font-size="30">'
                f'{sign[0]}</text>'
            )
        parts.append(
            f'<svg x="{left}" width="{WIDTH}" height="{height}">\n{drawing}\n</svg>'
            f'\n<text x="{left + WIDTH / 2}" y="{height + 20}">{title}</text>'
        )
    write_atomically(args.out, '\n'.join([*parts, '</svg>']) + '\n')
    print(f'Written: {args.out}, {Path(args.out).stat().st_size / 1000:.0f} kB')


if __name__ == '__main__':
    main()
