"""Options of MMagicGenerator: what they do, and what is refused before long work."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmseg_ganaug.checkpoints import CheckpointError
from mmseg_ganaug.recompose import LabelStatistics, MemoryLabelSource, Recon
from mmseg_ganaug.registry import MODELS
from mmseg_ganaug.synthesis import Compositing, MMagicGenerator, PaintContext
from mmseg_ganaug.synthesis.sample_maker import SampleMaker
from mmseg_ganaug.synthesis.windows import Windows

CLASSES = 4


def make_files(folder, edges=False, **options):
    """A config and the checkpoint of an untrained generator."""
    torch.manual_seed(0)
    config = Config(
        dict(
            model=dict(
                type='Pix2PixHD',
                label_encoder=dict(num_classes=CLASSES, edges=edges),
                generator=dict(
                    type='Pix2PixHDGlobalGenerator',
                    base_channels=4,
                    num_downsamples=3,
                    num_blocks=1,
                ),
                **options,
            )
        )
    )
    network = MODELS.build(config.model).generators['photo']
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    torch.save(network.state_dict(), folder / 'latest_net_G.pth')
    config.dump(str(folder / 'config.py'))
    return dict(
        config=str(folder / 'config.py'), checkpoint=str(folder / 'latest_net_G.pth')
    )


@pytest.fixture(scope='module')
def plain(tmp_path_factory):
    return make_files(tmp_path_factory.mktemp('plain'))


@pytest.fixture(scope='module')
def with_edges(tmp_path_factory):
    return make_files(tmp_path_factory.mktemp('edges'), edges=True)


@pytest.fixture(scope='module')
def labels():
    coarse = np.random.default_rng(0).integers(CLASSES, size=(3, 5, 9), dtype=np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


def paint(files, labels, **options):
    return MMagicGenerator(**files, device='cpu', **options).paint(labels)


def difference(photos, others):
    return np.abs(photos.astype(int) - others)


def test_every_way_paints_nearly_the_same(plain, labels):
    wanted = paint(plain, labels, precision='fp32', channels_last=False)
    assert wanted.shape == (*labels.shape, 3) and wanted.dtype == np.uint8
    assert wanted.std() > 20
    assert difference(paint(plain, labels, precision='fp32'), wanted).max() <= 1
    bfloat = difference(paint(plain, labels, precision='bf16'), wanted)
    assert 0 < bfloat.mean() < 3


def test_same_input_gives_the_same_bytes(plain, labels):
    for precision in ('fp32', 'bf16'):
        generator = MMagicGenerator(**plain, device='cpu', precision=precision)
        first = generator.paint(labels)
        np.testing.assert_array_equal(generator.paint(labels), first)
        np.testing.assert_array_equal(paint(plain, labels, precision=precision), first)


def test_sides_need_not_divide_by_the_stride(plain, labels):
    photos = paint(plain, labels[:, :37, :61], precision='fp32')
    assert photos.shape == (3, 37, 61, 3)


def test_tiles_are_painted_apart_and_joined(plain, labels):
    whole = paint(plain, labels, precision='fp32')
    tiled = paint(plain, labels, precision='fp32', tile=(48, 24), overlap=8)
    assert tiled.shape == whole.shape
    # The norms see less of the map: nearer than another map's photo, but not the same.
    unlike = difference(whole[[1, 2, 0]], whole).mean()
    assert 0 < difference(tiled, whole).mean() < unlike
    one = paint(plain, labels, precision='fp32', tile=(72, 40), overlap=8)
    np.testing.assert_array_equal(one, whole)


@pytest.mark.parametrize('size', [(16, 144), (21, 200), (200, 5)])
def test_elongated_maps_are_painted_in_tiles(plain, size):
    # Made as small as a tile, a side of theirs would be shorter than two strides.
    labels = np.random.default_rng(0).integers(CLASSES, size=(1, *size), dtype=np.uint8)
    assert paint(plain, labels, tile=(32, 32), overlap=8).shape == (1, *size, 3)


def test_batch_that_does_not_fit_is_painted_in_parts(plain, labels, monkeypatch):
    generator = MMagicGenerator(**plain, device='cpu', precision='fp32')
    wanted = generator.paint(labels)
    paint_batch, sizes = generator.model.paint, []

    def short_of_memory(label_maps, instance_maps):
        sizes.append(len(label_maps))
        if len(label_maps) > 1:
            raise torch.cuda.OutOfMemoryError('CUDA out of memory.')
        return paint_batch(label_maps, instance_maps)

    monkeypatch.setattr(generator.model, 'paint', short_of_memory)
    assert difference(generator.paint(labels), wanted).max() <= 1
    assert sizes == [3, 1, 1, 1]


@pytest.mark.parametrize(
    'options',
    [
        dict(precision='fp32'),
        dict(tile=(16, 16), overlap=0),
        dict(tile=(16, 16), overlap=8),
        dict(compile=True),
        dict(channels_last=False),
    ],
    ids=str,
)
def test_what_changes_the_bytes_changes_the_fingerprint(plain, options):
    usual = MMagicGenerator(**plain).fingerprint()
    assert MMagicGenerator(**plain).fingerprint() == usual
    assert MMagicGenerator(**plain, device='cpu').fingerprint() == usual
    assert MMagicGenerator(**plain, **options).fingerprint() != usual


def test_unknown_precision_is_refused(plain):
    with pytest.raises(
        ValueError, match=r"precision='half': must be one of 'auto', 'fp32'"
    ):
        MMagicGenerator(**plain, precision='half')


def test_half_precision_is_for_gpus(plain):
    generator = MMagicGenerator(**plain, device='cpu', precision='fp16')
    with pytest.raises(ValueError, match="precision='fp16' needs a GPU"):
        generator.check(CLASSES, has_instances=False)


@pytest.mark.parametrize('number', [0, 1])
def test_missing_gpu_is_reported_before_anything_is_loaded(plain, number, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: number)
    generator = MMagicGenerator(**plain, device='cuda:1')
    for step in (generator.load, lambda: generator.check(CLASSES, False)):
        with pytest.raises(
            RuntimeError, match=r"'cuda:1' was asked for.*sees (no|1) GPU.*device='cpu'"
        ):
            step()


def test_gpu_without_bfloat16_is_reported(plain, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 1)
    monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda device: (7, 0))
    generator = MMagicGenerator(**plain, device='cuda', precision='bf16')
    with pytest.raises(ValueError, match=r'compute capability 8.0.*\(7, 0\)'):
        generator.check(CLASSES, has_instances=False)
    MMagicGenerator(**plain, device='cuda').check(CLASSES, has_instances=False)


def test_tile_that_does_not_fit_the_stride_is_reported_before_loading(plain):
    generator = MMagicGenerator(**plain, device='cpu', tile=(4, 64), overlap=0)
    # Online, where the number of classes need not be stated, nothing else is called.
    for step in (generator.load, lambda: generator.check(CLASSES, False)):
        with pytest.raises(ValueError, match=r'tile=\(4, 64\).*multiples of 8'):
            step()
    with pytest.raises(ValueError, match='overlap=64 leaves too little'):
        MMagicGenerator(**plain, tile=(64, 64))


def test_missing_instance_maps_are_reported_before_loading(with_edges, labels):
    generator = MMagicGenerator(**with_edges, device='cpu')
    with pytest.raises(ValueError, match='reads instance maps, but there are none'):
        generator.paint(labels)
    assert generator._model is None


def test_instance_maps_that_overflow_are_reported_before_loading(with_edges, labels):
    generator = MMagicGenerator(**with_edges, device='cpu')
    for wrong in (np.int16, np.uint16, np.uint8):
        with pytest.raises(TypeError, match=rf'must be int32, not {wrong.__name__}'):
            generator.paint(labels, labels.astype(wrong))
    assert generator._model is None


def test_instance_ids_beyond_16_bits_draw_their_edges(with_edges, labels):
    generator = MMagicGenerator(**with_edges, device='cpu', precision='fp32')
    instances = np.zeros(labels.shape, np.int32)
    # Both become 0 where ids are cut to 16 bits.
    instances[:, 8:24, 8:24] = 65536
    without = generator.paint(labels, np.zeros_like(instances))
    assert difference(generator.paint(labels, instances), without).max() > 10


@pytest.fixture(scope='module')
def with_context(tmp_path_factory):
    folder = tmp_path_factory.mktemp('context')
    return make_files(folder, context=dict(grow=0))


def make_context(labels, changed=False):
    rng = np.random.default_rng(1)
    photos = rng.integers(1, 256, (*labels.shape, 3), dtype=np.uint8)
    shown = np.ones(labels.shape, bool)
    shown[0, 8:20, 10:30] = shown[2, 30:, 40:60] = False
    new = ~shown
    if changed:
        new = new | (labels == 2)
    photos[~shown] = 0
    ids, seeds = ('a-000000', 'a-000001', 'a-000002'), (1, 2, 3)
    return PaintContext(photos, shown, new, ids, seeds)


def test_with_a_context_holes_alone_are_painted(with_context, labels):
    generator = MMagicGenerator(**with_context, device='cpu', precision='fp32')
    assert generator.uses_context
    context = make_context(labels, changed=True)
    painted = generator.paint(labels, context=context)
    assert painted.dtype == np.uint8
    shown = context.shown
    np.testing.assert_array_equal(painted[shown], context.photos[shown])
    assert painted[~shown].std() > 5
    # Alone in a batch as with others.
    for number in range(3):
        one = slice(number, number + 1)
        alone = generator.paint(labels[one], context=context[one])
        np.testing.assert_array_equal(alone, painted[one])
    whole = generator.paint(labels)
    assert (whole != painted)[shown].any()
    tensors = torch.from_numpy(labels)[:, None]
    on_device = generator.paint_on_device(tensors, context=context)
    np.testing.assert_array_equal(on_device.permute(0, 2, 3, 1).numpy(), painted)


def test_all_that_changed_is_painted_where_that_is_asked_for(with_context, labels):
    generator = MMagicGenerator(
        **with_context, device='cpu', precision='fp32', repaint='changed'
    )
    context = make_context(labels, changed=True)
    painted = generator.paint(labels, context=context)
    kept = context.shown & ~context.changed
    np.testing.assert_array_equal(painted[kept], context.photos[kept])
    laid = context.shown & context.changed
    assert (painted[laid] != context.photos[laid]).any(axis=-1).mean() > 0.9
    usual = MMagicGenerator(**with_context, device='cpu', precision='fp32')
    assert usual.fingerprint() != generator.fingerprint()


@pytest.mark.parametrize('repaint', ['unshown', 'changed'])
def test_what_is_painted_is_known_to_the_pixel(tmp_path, labels, repaint):
    files = make_files(tmp_path, context=dict(grow=2))
    options = dict(device='cpu', precision='fp32', repaint=repaint)
    generator = MMagicGenerator(**files, **options)
    context = make_context(labels, changed=True)
    found = generator.painted_pixels(labels, context)
    assert generator._model is None
    holes = ~context.shown if repaint == 'unshown' else context.changed
    assert (found & ~holes).any() and found[holes].all() and not found.all()
    assert generator.paints_shown is (repaint == 'changed')
    painted = generator.paint(labels, context=context)
    np.testing.assert_array_equal(painted[~found], context.photos[~found])
    assert (painted != context.photos).any(axis=-1)[found].mean() > 0.9


def test_a_generator_that_sees_no_photo_paints_everything(tmp_path, labels):
    files = make_files(tmp_path, noise_channels=2)
    drawn = MMagicGenerator(**files, device='cpu', looks='drawn')
    assert drawn.paints_shown
    assert drawn.painted_pixels(labels, make_context(labels)).all()


def test_where_all_is_shown_nothing_is_loaded_and_the_photo_stays(with_context, labels):
    generator = MMagicGenerator(**with_context, device='cpu')
    context = make_context(labels)
    context.shown[:] = True
    np.testing.assert_array_equal(
        generator.paint(labels, context=context), context.photos
    )
    assert generator._model is None


@pytest.mark.parametrize('context', [None, dict(grow=0)])
def test_drawn_looks_are_those_of_the_seed(tmp_path, labels, context):
    files = make_files(tmp_path, noise_channels=4, context=context)
    options = dict(device='cpu', precision='fp32')
    usual = MMagicGenerator(**files, **options)
    drawn = MMagicGenerator(**files, **options, looks='drawn')
    assert drawn.uses_context and usual.uses_context == (context is not None)
    assert usual.fingerprint() != drawn.fingerprint()
    given = make_context(labels)
    painted = drawn.paint(labels, context=given)
    np.testing.assert_array_equal(drawn.paint(labels, context=given), painted)
    number = slice(2, 3)
    alone = drawn.paint(labels[number], context=given[number])
    np.testing.assert_array_equal(alone, painted[number])
    other = replace(given, seeds=(1, 2, 4))
    differs = (drawn.paint(labels, context=other) != painted).any(axis=(1, 2, 3))
    assert differs.tolist() == [False, False, True]
    assert (usual.paint(labels, context=given) != painted).any()
    tensors = torch.from_numpy(labels)[:, None]
    on_device = drawn.paint_on_device(tensors, context=given)
    np.testing.assert_array_equal(on_device.permute(0, 2, 3, 1).numpy(), painted)


@pytest.fixture(scope='module')
def with_encoder(tmp_path_factory):
    """Config and whole checkpoint of a generator that reads features of objects."""
    folder = tmp_path_factory.mktemp('encoder')
    encoder = dict(type='Pix2PixHDEncoder', base_channels=4, num_downsamples=1)
    files = make_files(folder, encoder=encoder, noise_channels=1)
    model = MODELS.build(Config.fromfile(files['config']).model)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.region_code.clusters.uniform_(-1, 1)
    torch.save(dict(state_dict=model.state_dict()), folder / 'whole.pth')
    return dict(files, checkpoint=str(folder / 'whole.pth')), model.eval()


def painted_with(with_encoder, looks, labels, context):
    options = dict(device='cpu', precision='fp32', looks=looks)
    generator = MMagicGenerator(**with_encoder[0], **options)
    photos = generator.paint(labels, context=context)
    tensors = torch.from_numpy(labels)[:, None]
    on_device = generator.paint_on_device(tensors, context=context)
    np.testing.assert_array_equal(on_device.permute(0, 2, 3, 1).numpy(), photos)
    for number in range(len(labels)):
        one = slice(number, number + 1)
        alone = generator.paint(labels[one], context=context[one])
        np.testing.assert_array_equal(alone, photos[one])
    return photos


def test_encoder_and_clusters_of_the_checkpoint_paint(with_encoder, labels):
    """They were left at zero once, so that all objects had one look."""
    files, model = with_encoder
    painted = paint(files, labels, precision='fp32', channels_last=False)
    wanted = model.paint(torch.from_numpy(labels)[:, None])
    assert difference(wanted.permute(0, 2, 3, 1).numpy(), painted).max() <= 1


def test_kept_looks_are_those_of_the_photos(with_encoder, labels):
    context = make_context(labels)
    kept = painted_with(with_encoder, 'kept', labels, context)
    # What no photo shows is no look: its pixels change nothing.
    black = context.photos.copy()
    black[~context.shown] = 77
    np.testing.assert_array_equal(
        painted_with(with_encoder, 'kept', labels, replace(context, photos=black)), kept
    )
    other = context.photos.copy()
    other[0][labels[0] == 1] //= 4
    changed = painted_with(with_encoder, 'kept', labels, replace(context, photos=other))
    differs = (changed != kept).any(axis=(1, 2, 3))
    assert differs.tolist() == [True, False, False]
    assert (painted_with(with_encoder, 'drawn', labels, context) != kept).any()


def test_a_class_that_no_photo_shows_is_drawn(with_encoder, labels):
    context = make_context(labels)
    context.shown[:] = False
    np.testing.assert_array_equal(
        painted_with(with_encoder, 'kept', labels, context),
        painted_with(with_encoder, 'drawn', labels, context),
    )


def test_interpolated_looks_depend_on_photos_and_seeds(with_encoder, labels):
    context = make_context(labels)
    found = painted_with(with_encoder, 'interpolated', labels, context)
    for changed in (dict(photos=context.photos // 3), dict(seeds=(7, 8, 9))):
        other = replace(context, **changed)
        painted = painted_with(with_encoder, 'interpolated', labels, other)
        assert (painted != found).any(axis=(1, 2, 3)).all()
    for looks in ('kept', 'drawn'):
        painted = painted_with(with_encoder, looks, labels, context)
        assert (painted != found).any(axis=(1, 2, 3)).all()
    prints = {
        MMagicGenerator(**with_encoder[0], looks=looks).fingerprint()
        for looks in ('usual', 'drawn', 'kept', 'interpolated')
    }
    assert len(prints) == 4


def test_features_without_clusters_can_be_read_but_not_drawn(
    with_encoder, labels, tmp_path
):
    state = with_encoder[1].state_dict()
    state['region_code.clusters'] = torch.zeros_like(state['region_code.clusters'])
    torch.save(dict(state_dict=state), tmp_path / 'converted.pth')
    files = dict(with_encoder[0], checkpoint=str(tmp_path / 'converted.pth'))
    for looks in ('usual', 'drawn', 'interpolated'):
        with pytest.raises(CheckpointError, match='no clusters of features'):
            MMagicGenerator(**files, device='cpu', looks=looks).load()
    kept = MMagicGenerator(**files, device='cpu', looks='kept')
    assert kept.paint(labels, context=make_context(labels)).std() > 5


def test_a_generator_draws_where_photos_of_one_map_differ(
    with_context, with_encoder, tmp_path
):
    def draws(files, **options):
        return MMagicGenerator(**files, **options).draws

    assert not draws(with_context) and not draws(with_context, repaint='changed')
    # Of its channel of noise, 'usual' takes no draws.
    noisy = with_encoder[0]
    found = [draws(noisy, looks=looks) for looks in ('usual', 'drawn', 'kept')]
    assert found == [False, True, True]
    encoder = dict(type='Pix2PixHDEncoder', base_channels=4, num_downsamples=1)
    silent = make_files(tmp_path, encoder=encoder)
    found = [draws(silent, looks=looks) for looks in ('kept', 'drawn', 'interpolated')]
    assert found == [False, True, True]


def test_looks_need_a_generator_that_has_several(plain, tmp_path):
    with pytest.raises(ValueError, match=r"looks='drawn'.*model\.noise_channels"):
        MMagicGenerator(**plain, looks='drawn')
    noise = make_files(tmp_path, noise_channels=2)
    for looks in ('kept', 'interpolated'):
        with pytest.raises(ValueError, match=rf"looks='{looks}'.*no model\.encoder"):
            MMagicGenerator(**noise, looks=looks)


def test_repainting_needs_a_generator_that_sees_photos(plain):
    with pytest.raises(ValueError, match=r"repaint='changed'.*no model\.context"):
        MMagicGenerator(**plain, repaint='changed')


@pytest.mark.parametrize(
    ('mode', 'windows'), [('full', None), ('changed', None), ('changed', Windows())]
)
def test_pixels_of_donors_stay_where_the_holes_of_recon_are_painted(
    tmp_path, mode, windows
):
    files = make_files(tmp_path, context=dict(grow=2))
    rng = np.random.default_rng(2)
    streets = np.zeros((3, 40, 72), np.uint8)
    streets[:, 20:] = 1
    for street in streets:
        for class_id in (2, 3):
            y, x = rng.integers(0, 28), rng.integers(0, 60)
            street[y : y + 10, x : x + 10] = class_id
    photos = rng.integers(1, 256, (*streets.shape, 3), dtype=np.uint8)
    source = MemoryLabelSource(list(streets), CLASSES, photos=list(photos))
    way = Recon(things=[2, 3])
    recipes = list(way.plan(LabelStatistics.collect(source), 3, 0))
    maker = SampleMaker(
        recipes,
        3,
        way.recompose,
        source,
        MMagicGenerator(**files, device='cpu', precision='fp32'),
        Compositing(mode, windows=windows),
        ids=[f'a-{number:06d}' for number in range(3)],
    )
    maps = maker.recompose(range(3))
    holes = 0
    for made, sample in zip(maps, maker.finish(range(3), maps)):
        # But for the rim by which holes grow.
        hole = (~made.shown).astype(np.uint8)
        kept = ~cv2.dilate(hole, np.ones((5, 5))).astype(bool)
        np.testing.assert_array_equal(sample.photo[kept], made.photo[kept])
        np.testing.assert_array_equal(sample.label_map, made.label_map)
        if not kept.all():
            assert sample.photo[~kept].std() > 5
            holes += 1
    assert holes


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_gpu_paints_nearly_what_the_cpu_paints(plain, labels):
    wanted = paint(plain, labels, precision='fp32')
    for precision, bound in (('fp32', 0.5), ('bf16', 3), ('fp16', 3)):
        generator = MMagicGenerator(**plain, device='cuda', precision=precision)
        photos = generator.paint(labels)
        assert difference(photos, wanted).mean() < bound
        np.testing.assert_array_equal(generator.paint(labels), photos)
