"""Only what changes is painted: windows, their batches, and what becomes of them."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from painters import GreyPainter

from mmseg_ganaug.recompose import (
    AddMulti,
    AddSingle,
    LabelStatistics,
    MemoryLabelSource,
    Recon,
)
from mmseg_ganaug.registry import MODELS
from mmseg_ganaug.synthesis import MMagicGenerator, SampleMaker
from mmseg_ganaug.synthesis import windows as module
from mmseg_ganaug.synthesis.compositing import Compositing, build_compositing
from mmseg_ganaug.synthesis.windows import (
    Windows,
    build_windows,
    paint_windows,
    warn_of_statistics,
)

CLASSES = 4
STRIDE = 4


class StridedPainter(GreyPainter):
    """Paints each class in a grey, whatever lies around it, and notes its batches."""

    stride = STRIDE

    def __init__(self):
        self.batches = []

    def paint(self, label_maps, instance_maps=None):
        self.batches.append(label_maps.shape)
        return np.repeat(label_maps[..., None] % 50 * 20 + 7, 3, axis=-1)


def blobs(rng, shape, number):
    """A mask of some boxes."""
    mask = np.zeros(shape, bool)
    for _ in range(number):
        y, x = (int(rng.integers(side)) for side in shape)
        height, width = rng.integers(1, 12, 2)
        mask[y : y + height, x : x + width] = True
    return mask


def sides_of(windows, length, stride):
    """The sides that windows may have along a side of a photo."""
    length = max(-(-length // stride), 2) * stride
    if windows.sizes is None:
        return {n * stride for k in range(8) for n in (2 << k, 3 << k)} | {length}
    return {max(-(-size // stride), 2) * stride for size in windows.sizes} | {length}


@pytest.mark.parametrize('seed', range(60))
def test_every_needed_pixel_is_in_a_window_with_its_margin(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(5, 140, 2).tolist())
    stride = int(rng.choice([1, 4, 8]))
    sizes = [None, (16, 24, 64), (20,)][seed % 3]
    windows = Windows(margin=int(rng.integers(0, 20)), sizes=sizes)
    needed = blobs(rng, shape, int(rng.integers(1, 6)))
    plan = windows.plan(needed, stride)
    padded = [max(-(-side // stride), 2) * stride for side in shape]
    if plan is None:
        return
    seen = np.zeros(shape, bool)
    area = 0
    for window in plan:
        assert window.top % stride == window.left % stride == 0
        assert 0 <= window.top <= padded[0] - window.height
        assert 0 <= window.left <= padded[1] - window.width
        assert window.height in sides_of(windows, shape[0], stride)
        assert window.width in sides_of(windows, shape[1], stride)
        area += window.height * window.width
        # What lies deeper in the window than the margin, or at the photo's border.
        deep = window.depth(padded) > windows.margin
        whole = np.zeros(padded, bool)
        window.of(whole)[:] = deep
        seen |= whole[: shape[0], : shape[1]]
    assert seen[needed].all()
    assert area < padded[0] * padded[1]


def test_a_photo_that_changes_all_over_is_painted_whole():
    assert Windows().plan(np.ones((50, 70), bool), 8) is None
    corners = np.zeros((64, 96), bool)
    corners[::31, ::31] = True
    assert Windows(margin=16).plan(corners, 8) is None
    assert Windows().plan(np.zeros((50, 70), bool), 8) == []


def test_regions_share_a_window_where_that_is_no_larger():
    near, far = np.zeros((2, 128, 256), bool)
    near[40:50, 40:50] = near[40:50, 60:70] = True
    far[10:20, 10:20] = far[100:110, 230:240] = True
    assert len(Windows(margin=8).plan(near, 8)) == 1
    assert len(Windows(margin=8).plan(far, 8)) == 2


def test_one_object_of_a_large_photo_costs_less_than_a_fifth():
    needed = np.zeros((1024, 2048), bool)
    needed[500:700, 900:1200] = True
    for windows in (Windows(), Windows(margin=64, sizes=(256, 512, 1024))):
        area = sum(w.height * w.width for w in windows.plan(needed, 32))
        assert area <= needed.size / 5


def maps_of(shape=(45, 70), number=6, grey=None):
    """Label maps with two rare classes, and photos of them: noise, or greys."""
    rng = np.random.default_rng(0)
    maps = []
    for _ in range(number):
        label_map = np.zeros(shape, np.uint8)
        label_map[:12] = 1
        for class_id in (2, 3):
            y, x = rng.integers(0, shape[0] - 8), rng.integers(0, shape[1] - 8)
            label_map[y : y + 6, x : x + 5] = class_id
        label_map[-1] = 255
        maps.append(label_map)
    photos = [rng.integers(0, 255, (*shape, 3)).astype(np.uint8) for _ in maps]
    if grey is not None:
        photos = [np.repeat(grey(m)[..., None], 3, axis=-1) for m in maps]
    instances = [(m > 1).astype(np.int32) * m for m in maps]
    return MemoryLabelSource(maps, CLASSES, instance_maps=instances, photos=photos)


def maker_of(source, compositing, painter, way=None, num_samples=8):
    way = way or AddSingle(classes=[2])
    plan = way.plan(LabelStatistics.collect(source), num_samples, 0)
    return SampleMaker(
        list(plan), num_samples, way.recompose, source, painter, compositing
    )


def photos_of(maker, indices=range(8)):
    maps = maker.recompose(indices)
    return [sample.photo for sample in maker.finish(list(indices), maps)]


WINDOWS = Windows(margin=4, sizes=(12, 16, 24, 32))


@pytest.mark.parametrize('way', [AddSingle(classes=[2]), AddMulti(classes=[2, 3])])
@pytest.mark.parametrize('mode', ['changed', 'auto'])
def test_pixels_are_those_of_a_whole_photo_where_the_painter_sees_no_context(mode, way):
    source = maps_of()
    options = dict(match_tone=False, paintable=(True, True, True, False))
    whole = maker_of(source, Compositing(mode, **options), StridedPainter(), way)
    painter = StridedPainter()
    parts = maker_of(
        source, Compositing(mode, **options, windows=WINDOWS), painter, way
    )
    for found, wanted in zip(photos_of(parts), photos_of(whole)):
        np.testing.assert_array_equal(found, wanted)
    painted = sum(batch * high * wide for batch, high, wide in painter.batches)
    assert painted < 8 * 45 * 70 / 2


def test_windows_of_several_samples_are_painted_together():
    painter = StridedPainter()
    photos_of(maker_of(maps_of(), Compositing('changed', windows=WINDOWS), painter))
    shapes = [shape[1:] for shape in painter.batches]
    assert len(shapes) == len(set(shapes))
    assert max(number for number, *_ in painter.batches) > 1


def test_where_all_has_changed_bytes_and_batches_are_those_of_a_whole_photo():
    source, way = maps_of(), Recon()
    painters = StridedPainter(), StridedPainter()
    whole, parts = (
        photos_of(maker_of(source, Compositing('changed', windows=w), painter, way))
        for w, painter in zip((None, WINDOWS), painters)
    )
    for found, wanted in zip(parts, whole):
        np.testing.assert_array_equal(found, wanted)
    assert painters[0].batches == painters[1].batches == [(8, 45, 70)]


def test_nothing_is_painted_where_nothing_has_changed():
    painter = StridedPainter()
    labels = np.zeros((20, 30), np.uint8)
    needed = np.zeros((20, 30), bool)
    (painted,) = paint_windows(painter, [labels], [None], 255, [needed], Windows())
    assert painter.batches == []
    assert not painted.seen.any()
    assert not painted.photo.any()


def test_a_pixel_of_two_windows_is_of_the_one_that_sees_more_around_it(monkeypatch):
    numbers = iter((1, 2))
    monkeypatch.setattr(
        module,
        'paint_maps',
        lambda _, labels, *__: [
            np.full((*m.shape, 3), next(numbers), np.uint8) for m in labels
        ],
    )
    plan = [module.Window(0, 0, 32, 24), module.Window(0, 16, 32, 24)]
    monkeypatch.setattr(Windows, 'plan', lambda *_: plan)
    labels, needed = np.zeros((32, 64), np.uint8), np.ones((32, 64), bool)
    (painted,) = paint_windows(
        StridedPainter(), [labels], [None], 255, [needed], Windows()
    )
    # Columns 16 to 23 are in both.
    assert (painted.photo[:, :20] == 1).all()
    assert (painted.photo[:, 20:40] == 2).all()
    assert (painted.photo[:, 40:] == 0).all()
    np.testing.assert_array_equal(painted.seen, painted.photo[..., 0] > 0)


def test_the_light_of_a_window_is_compared_with_what_it_shows():
    # The generator paints all of it 40 too bright.
    source = maps_of(grey=lambda m: m % 50 * 20 + np.uint8(60))

    class Bright(StridedPainter):
        def paint(self, label_maps, instance_maps=None):
            return super().paint(label_maps) + np.uint8(93)

    maker = maker_of(source, Compositing('changed', windows=WINDOWS), Bright())
    maps = maker.recompose(range(8))
    for made, sample in zip(maps, maker.finish(list(range(8)), maps)):
        new = sample.photo[made.changed & (made.label_map == 2)].astype(int)
        assert abs(new - 100).max() <= 1


def generator_of(folder, norm, device='cpu', context=None, **options):
    """An untrained generator whose photos differ from place to place."""
    torch.manual_seed(0)
    config = Config(
        dict(
            model=dict(
                type='Pix2PixHD',
                label_encoder=dict(num_classes=CLASSES, edges=True, class_edges=True),
                generator=dict(
                    type='Pix2PixHDLocalEnhancer',
                    base_channels=4,
                    num_downsamples=1,
                    num_blocks=1,
                    num_local_blocks=1,
                    norm=norm,
                ),
                context=context,
            )
        )
    )
    network = MODELS.build(config.model).generators['photo']
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    torch.save(network.state_dict(), folder / 'latest_net_G.pth')
    return MMagicGenerator(
        config,
        str(folder / 'latest_net_G.pth'),
        device=device,
        precision='fp32',
        **options,
    )


def test_a_pixel_norm_paints_in_a_window_what_it_paints_in_the_whole_photo(tmp_path):
    source = maps_of((125, 190))
    maps = (
        [source.label_map(i) for i in range(3)],
        [source.instance_map(i) for i in range(3)],
    )
    needed = [np.zeros((125, 190), bool) for _ in range(3)]
    for number, mask in enumerate(needed):
        mask[20 * number + 10 : 20 * number + 30, 50:80] = True
    differences = {}
    for norm in ('pixel', 'instance'):
        generator = generator_of(tmp_path, norm)
        painter = (generator, *maps, 255, needed)
        whole = paint_windows(*painter, None)
        parts = paint_windows(*painter, Windows(margin=40))
        differences[norm] = np.mean(
            [
                abs(part.photo.astype(int) - one.photo)[mask].mean()
                for part, one, mask in zip(parts, whole, needed)
            ]
        )
        assert all(part.seen.mean() < 0.7 for part in parts)
        assert whole[0].photo.std() > 5
    # Nothing that is farther away than the margin reaches a pixel.
    assert differences['pixel'] < 0.01
    assert differences['instance'] > 1


def test_bytes_do_not_depend_on_what_is_painted_together(tmp_path):
    compositing = Compositing('changed', windows=Windows(margin=8))
    maker = maker_of(maps_of(), compositing, generator_of(tmp_path, 'pixel'))
    together = photos_of(maker)
    for number, wanted in enumerate(together):
        (alone,) = photos_of(maker, [number])
        np.testing.assert_array_equal(alone, wanted)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')
def test_a_window_is_painted_as_the_whole_photo_on_a_gpu(tmp_path):
    source = maps_of((128, 192))
    needed = np.zeros((128, 192), bool)
    needed[20:40, 50:80] = True
    painter = (
        generator_of(tmp_path, 'pixel', device='cuda'),
        [source.label_map(0)],
        [source.instance_map(0)],
        255,
        [needed],
    )
    (whole,), (part,) = (
        paint_windows(*painter, windows) for windows in (None, Windows(margin=40))
    )
    difference = abs(part.photo.astype(int) - whole.photo)[needed]
    assert difference.mean() < 0.5


def test_generators_say_whether_they_need_the_whole_map(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(module, 'print_log', lambda text, **_: said.append(text))
    pixel, instance = (generator_of(tmp_path, n) for n in ('pixel', 'instance'))
    assert pixel.stride == instance.stride == STRIDE
    warn_of_statistics(pixel)
    warn_of_statistics(StridedPainter())
    assert not said
    warn_of_statistics(instance)
    assert len(said) == 1
    assert "norm='pixel'" in said[0]
    assert pixel.fingerprint() != instance.fingerprint()


def test_a_painter_of_holes_says_that_a_window_shows_less_light(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(module, 'print_log', lambda text, **_: said.append(text))
    warn_of_statistics(generator_of(tmp_path, 'pixel', context=dict()))
    assert len(said) == 1
    assert 'show less of it' in said[0] and 'margin=64' in said[0]


def test_options_are_read():
    assert build_windows(None) is build_windows(False) is None
    assert build_windows(True) == Windows()
    way = build_compositing(
        dict(mode='changed', windows=dict(margin=20, sizes=[64, 32])), ()
    )
    assert way.windows == Windows(20, (32, 64))
    assert way.fingerprint()['windows'] == dict(margin=20, sizes=(32, 64))
    assert 'windows' not in Compositing('changed').fingerprint()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(mode='full', windows=True), "mode='full', which paints all"),
        (dict(mode='changed', windows=4), 'windows=4'),
        (dict(mode='changed', windows=dict(size=4)), r'windows=.*margin, sizes'),
        (dict(mode='changed', windows=dict(margin=-1)), 'margin=-1'),
        (dict(mode='changed', windows=dict(sizes=[])), r'sizes=\[\]'),
        (dict(mode='changed', windows=dict(sizes=[64, 64])), r'sizes=\[64, 64\]'),
        (dict(mode='changed', feather=8, windows=dict(margin=8)), 'must be larger'),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        build_compositing(options, ())
