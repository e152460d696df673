"""Does a small piece of real work in every part of the package.

The checks run one after the other in a process apart from the doctor's, a new one where
it dies; see :mod:`mmseg_ganaug.doctor.__main__`.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from mmseg_ganaug import compat, dependencies
from mmseg_ganaug.doctor.check import OK, Check

_SIZE = (32, 64)  # height and width in pixels: the smallest that ToyStreets paints
_NETWORK = dict(
    type='Pix2PixHDGlobalGenerator', base_channels=4, num_downsamples=3, num_blocks=1
)


def check_import() -> Check:
    """Does what ``import mmseg_ganaug`` does."""
    compat.apply()
    from mmseg_ganaug import registry

    return Check('import', OK, f'mmseg_ganaug, scope {registry.SCOPE!r}')


def check_recompose() -> Check:
    """Makes a label map by each recomposer."""
    from mmseg_ganaug.recompose import (
        AddMulti,
        AddSingle,
        LabelStatistics,
        MemoryLabelSource,
        Recon,
    )

    source = MemoryLabelSource(_label_maps(), num_classes=3)
    statistics = LabelStatistics.collect(source)
    for recomposer in (AddSingle(), AddMulti(), Recon()):
        (recipe,) = recomposer.plan(statistics, num_samples=1, seed=0)
        label_map = recomposer.recompose(recipe, source).label_map
        name = type(recomposer).__name__
        _expect(label_map.shape == _SIZE, f'{name}: {label_map.shape}')
    return Check('recompose', OK, 'AddSingle, AddMulti and Recon made a label map each')


def check_models() -> Check:
    """Runs a tiny pix2pixHD forward, or without MMagic the backbone of the bench."""
    import torch

    if not dependencies.installed('mmagic'):
        from mmseg_ganaug.models import EfficientNetLite

        with torch.no_grad():
            *_, last = EfficientNetLite()(torch.zeros(1, 3, 64, 64))
        _expect(last.shape[1] == 320, f'features of the shape {tuple(last.shape)}')
        return Check('models', OK, 'an EfficientNet-Lite0 ran forward')
    from mmseg_ganaug.models import Pix2PixHDGlobalGenerator
    from mmseg_ganaug.registry import MODELS

    network = MODELS.build(dict(_NETWORK, in_channels=3))
    _expect(isinstance(network, Pix2PixHDGlobalGenerator), f'built {type(network)}')
    with torch.no_grad():
        photo = network(torch.zeros(1, 3, *_SIZE))
    _expect(photo.shape == (1, 3, *_SIZE), f'photo of the shape {tuple(photo.shape)}')
    _expect(bool(photo.isfinite().all()), 'photo with values that are not finite')
    return Check('models', OK, 'a tiny pix2pixHD ran forward')


def check_synthesis() -> Check:
    """Paints a label map through MMagic, where and how photos will be painted."""
    if not dependencies.installed('mmagic'):
        return Check('synthesis', OK, 'left out, as MMagic is not installed')
    import numpy as np

    from mmseg_ganaug.synthesis import MMagicGenerator

    with TemporaryDirectory() as folder:
        generator = MMagicGenerator(**_tiny_generator(Path(folder), num_classes=3))
        photos = generator.paint(np.stack(_label_maps()))
    _expect(photos.shape == (3, *_SIZE, 3), f'photos of the shape {photos.shape}')
    parameter = next(generator.model.parameters())
    return Check(
        'synthesis', OK, f'MMagic painted on {parameter.device} in {parameter.dtype}'
    )


def check_datasets() -> Check:
    """Makes a small ToyStreets and generates a pair from it."""
    from mmseg_ganaug.datasets import GANRecomposeDataset
    from mmseg_ganaug.datasets.toy_streets import ToyStreetsDataset
    from mmseg_ganaug.toy_streets import make_toy_streets

    with TemporaryDirectory() as folder:
        root = Path(folder)
        make_toy_streets(
            root / 'toy', num_train=4, num_val=1, size=_SIZE, progress=False
        )
        dataset = GANRecomposeDataset(
            source=dict(
                type='mmseg_ganaug.ToyStreetsDataset',
                data_root=str(root / 'toy'),
                data_prefix=dict(
                    img_path='images/train', seg_map_path='annotations/train'
                ),
                pipeline=[
                    dict(type='LoadImageFromFile'),
                    dict(type='LoadAnnotations'),
                    dict(type='PackSegInputs'),
                ],
            ),
            recomposer=dict(type='AddMulti'),
            generator=_tiny_generator(root, len(ToyStreetsDataset.METAINFO['classes']))
            if dependencies.installed('mmagic')
            else None,
            num_samples=2,
            cache_dir=str(root / 'cache'),
        )
        shape = tuple(dataset[1]['inputs'].shape)
    _expect(shape == (3, *_SIZE), f'a photo of the shape {shape}')
    return Check('datasets', OK, f'{len(dataset)} pairs generated from ToyStreets')


def check_engine() -> Check:
    """Builds a hook from its config."""
    from mmseg_ganaug.registry import HOOKS

    hook = HOOKS.build(
        dict(type='mmseg_ganaug.RatioScheduleHook', points=[(0.5, 0.5), (1.0, 0.0)])
    )
    fraction = hook.fraction(0.75, before=0.5)
    _expect(abs(fraction - 0.25) < 1e-9, f'a fraction of {fraction}')
    return Check('engine', OK, 'a schedule of the generated share was built')


def check_evaluation() -> Check:
    """Computes the IoU of a prediction that is right in half of its pixels."""
    compat.prepare_segmentation()
    import torch

    from mmseg_ganaug.evaluation.metrics import ClassIoUMetric

    label = torch.zeros(1, *_SIZE, dtype=torch.uint8)
    predicted = label.clone()
    predicted[..., _SIZE[1] // 2 :] = 1
    metric = ClassIoUMetric()
    metric.dataset_meta = dict(classes=('road', 'car'))
    metric.process(
        {}, [dict(pred_sem_seg=dict(data=predicted), gt_sem_seg=dict(data=label))]
    )
    iou = metric.evaluate(1)['IoU.road']
    _expect(iou == 50, f'an IoU of {iou}, not 50')
    return Check('evaluation', OK, 'the IoU of each class was computed')


def check_visualization() -> Check:
    """Draws a chart."""
    from mmseg_ganaug.visualization import class_frequency_chart

    with TemporaryDirectory() as folder:
        chart = class_frequency_chart(
            ['road', 'car'], {'before': [0.9, 0.1]}, Path(folder) / 'chart.png'
        )
        size = chart.stat().st_size
    _expect(size > 0, 'an empty file')
    return Check('visualization', OK, 'a chart was drawn')


def _label_maps():
    """Makes three label maps: two large classes, and something small in each."""
    import numpy as np

    label_maps = []
    for index in range(3):
        label_map = np.zeros(_SIZE, np.uint8)
        label_map[: _SIZE[0] // 2] = 1
        label_map[12:22, 8 + 16 * index : 18 + 16 * index] = 2
        label_maps.append(label_map)
    return label_maps


def _tiny_generator(folder: Path, num_classes: int) -> dict:
    """Writes config and checkpoint of an untrained generator."""
    import torch
    from mmengine.config import Config

    from mmseg_ganaug.models import Pix2PixHD  # noqa: F401  (checks the versions)
    from mmseg_ganaug.registry import MODELS

    model = dict(
        type='Pix2PixHD',
        label_encoder=dict(num_classes=num_classes),
        generator=dict(_NETWORK),
    )
    config, checkpoint = folder / 'tiny.py', folder / 'latest_net_G.pth'
    Config(dict(model=model)).dump(str(config))
    network = MODELS.build(model).generators['photo']
    torch.save(network.state_dict(), checkpoint)
    return dict(config=str(config), checkpoint=str(checkpoint))


def _expect(holds: bool, found: str) -> None:
    if not holds:
        raise RuntimeError(f'wrong result: {found}')
