"""Shows how label maps are recombined: a contact sheet of bases, donors and results.

Needs the label maps only: no generator, no photos are painted.
"""

import argparse
from collections.abc import Mapping

from mmseg_ganaug.commands.flags import add_cfg_options
from mmseg_ganaug.commands.named_files import figures_folder

GO_ON = 'It begins again by'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument('config', help='config file that trains on generated samples')
    parser.add_argument('--num-samples', type=int, default=8, help='rows of a sheet')
    parser.add_argument('--donors', type=int, default=3, help='donors shown at most')
    parser.add_argument(
        '--paste-pixels',
        action='store_true',
        help='show the photo that the real pixels of base and donors make, too, in '
        'the light that the config gives them',
    )
    parser.add_argument(
        '--out', default='work_dirs/browse_recomposed', help='folder of the sheets'
    )
    add_cfg_options(parser)


def gallery_row(recipe, recomposer, source, most_donors, paste_pixels, tone=True):
    """Puts one sample together: its base, the layers of its donors, the new map."""
    import numpy as np

    from mmseg_ganaug.recompose.placement import resize_nearest
    from mmseg_ganaug.visualization import GalleryRow

    names = source.class_names
    cells = {}
    if recipe.base is not None:
        cells['base'] = source.label_map(recipe.base)
    result = recomposer.recompose(recipe, source, paste_pixels, tone)
    # The donors that were used: others may have stood in for those first drawn.
    layers = [
        (donor, class_id, recipe.parts[number] if recipe.parts else ())
        for number, (donor, class_id) in enumerate(zip(result.pasted, recipe.classes))
        if donor is not None
    ]
    for number, layer in enumerate(layers[-most_donors:], 1):
        # As it was given: resized, where donors are.
        given = resize_nearest(shown_layer(source, *layer), result.label_map.shape)
        cells[f'donor {number}: its layer'] = given
    cells['recombined'] = result.label_map
    if paste_pixels:
        cells['their own pixels'] = result.photo
    if paste_pixels and not result.shown.all():
        cells['filled, so ignored'] = np.where(
            result.shown, result.label_map, np.uint8(source.ignore_index)
        )
    classes = ', '.join(names[class_id] for _, class_id, _ in layers) or 'nothing new'
    caption = f'{recipe.recomposer}: {classes}'
    if recipe.base is not None:
        caption += f'; {100 * result.changed.mean():.1f} % changed'
    if recipe.plausibility:
        caption += f'; least plausible place {min(recipe.plausibility):.2f}'
    return GalleryRow(cells, caption)


def tone_of(config):
    """Returns how a generated data set matches the light of real pixels."""
    composite = config.get('composite')
    return composite.get('match_tone', True) if isinstance(composite, Mapping) else True


def shown_layer(source, donor, class_id, parts):
    """Leaves of a donor's label map what it gives: a class, or some objects."""
    import numpy as np

    from mmseg_ganaug.recompose.objects import object_layer

    label_map, ids = source.label_map(donor), source.instance_map(donor)
    given = label_map == class_id if not parts else np.zeros(label_map.shape, bool)
    for part_class, *pixel in parts:
        layer = object_layer(label_map, ids, part_class, tuple(pixel))
        if layer is not None:
            given |= layer.full_mask(label_map.shape)
    return np.where(given, label_map, np.uint8(source.ignore_index))


def run(args: argparse.Namespace) -> None:
    """Writes one sheet per generated data set."""
    from mmengine.registry import init_default_scope

    from mmseg_ganaug.config_overrides import override
    from mmseg_ganaug.config_search import dataset_of, find_generated
    from mmseg_ganaug.safe_configs import read_config

    cfg = read_config(args.config)
    override(cfg, args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    configs = find_generated(dataset_of(cfg))
    if not configs:
        raise SystemExit(f'{args.config} trains on no GANRecomposeDataset')

    from mmseg.registry import DATASETS

    from mmseg_ganaug.visualization import recomposition_gallery

    out = figures_folder(args.out)
    for number, config in enumerate(configs):
        dataset = DATASETS.build(dict(config, lazy_init=True))
        source = dataset.label_source()
        plan, recomposer = dataset.plan()
        # The oddest first, where the plan knows how odd they are.
        recipes = sorted(plan, key=lambda recipe: min(recipe.plausibility, default=0))
        rows = [
            gallery_row(
                *(recipe, recomposer, source, args.donors),
                *(args.paste_pixels, tone_of(config)),
            )
            for recipe in recipes[: args.num_samples]
        ]
        path = out.folder / f'{number}_{plan[0].recomposer}.png'
        with out.drawn(path) as drawn:
            recomposition_gallery(
                rows,
                dataset.metainfo['palette'],
                source.ignore_index,
                source.class_names,
                drawn,
            )
        print(f'Written: {path}')
