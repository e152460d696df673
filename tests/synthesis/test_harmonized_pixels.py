"""Real pixels that a trained harmonizer fits into photos."""

import numpy as np
import pytest
import torch

from mmseg_ganaug.checkpoints import CheckpointError
from mmseg_ganaug.models import Harmonizer
from mmseg_ganaug.recompose import (
    AddMulti,
    AddSingle,
    LabelStatistics,
    MemoryLabelSource,
)
from mmseg_ganaug.synthesis import (
    Compositing,
    HarmonizedPixels,
    RealPixels,
    SampleMaker,
)
from mmseg_ganaug.synthesis.harmonized_pixels import paints

MODEL = dict(type='mmseg_ganaug.Harmonizer', num_classes=3, channels=4, num_blocks=1)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'harmonizer.py'
    path.write_text(f'model = {MODEL!r}\n')
    return str(path)


@pytest.fixture
def make(tmp_path, config):
    def make(change=0.5, name='weights.pth', **options):
        torch.manual_seed(0)
        model = Harmonizer(3, channels=4, num_blocks=1)
        torch.nn.init.constant_(model.to_tone.bias, change)
        torch.save({'state_dict': model.state_dict()}, tmp_path / name)
        return HarmonizedPixels(
            config, str(tmp_path / name), **{'device': 'cpu', **options}
        )

    return make


@pytest.fixture
def source():
    rng = np.random.default_rng(0)
    maps, photos = [], []
    for number in range(6):
        label_map = np.zeros((32, 40), np.uint8)
        label_map[:12] = 1
        y, x = rng.integers(8, 20), rng.integers(2, 30)
        label_map[y : y + 8, x : x + 6] = 2
        maps.append(label_map)
        photo = rng.integers(0, 60, (32, 40, 3), np.uint8) + 20 * number
        photos.append(photo.astype(np.uint8))
    return MemoryLabelSource(maps, 3, photos=photos)


OBJECTS = AddMulti(classes=[2], objects=dict(things=[2], num_objects=1))
LAYERS = AddSingle(classes=[2])


def samples(source, generator, way=OBJECTS, together=4):
    statistics = LabelStatistics.collect(source, with_scene=way.needs_scene)
    plan = way.plan(statistics, 4, 0)
    maker = SampleMaker(
        list(plan), 4, way.recompose, source, generator, Compositing('real')
    )
    made = []
    for start in range(0, 4, together):
        numbers = range(start, start + together)
        made += maker.finish(numbers, maker.recompose(numbers))
    return made


@pytest.mark.parametrize('way', [OBJECTS, LAYERS], ids=['objects', 'layers'])
def test_only_what_was_pasted_and_around_it_changes(source, make, way):
    plain = samples(source, RealPixels(), way)
    fitted = samples(source, make(), way)
    for one, two in zip(plain, fitted):
        assert np.array_equal(one.label_map, two.label_map)
        changed = (one.photo != two.photo).any(axis=2)
        assert 0 < changed.sum() < 0.5 * changed.size
        assert np.array_equal(one.photo[:3], two.photo[:3])


@pytest.mark.parametrize('way', [OBJECTS, LAYERS], ids=['objects', 'layers'])
def test_untrained_it_gives_the_pasted_photos(source, make, way):
    plain = samples(source, RealPixels(), way)
    for one, two in zip(plain, samples(source, make(change=0.0), way)):
        assert np.array_equal(one.photo, two.photo)


def test_bytes_do_not_depend_on_the_size_of_batches(source, make):
    together = samples(source, make())
    for one, two in zip(together, samples(source, make(), together=1)):
        assert np.array_equal(one.photo, two.photo)


def test_the_fingerprint_is_that_of_weights_and_network(make):
    one, again = make(), make()
    assert one.fingerprint() == again.fingerprint()
    again.config.model.rim = 2
    assert one.fingerprint() != again.fingerprint()
    before = one.fingerprint()
    make(change=0.4)
    assert one.fingerprint() != before


def test_missing_weights_are_named_before_anything_is_made(config, tmp_path):
    generator = HarmonizedPixels(config, str(tmp_path / 'no.pth'))
    with pytest.raises(
        FileNotFoundError,
        match=r'^harmonizer checkpoint.*no\.pth does not exist. Train it',
    ):
        generator.check(3, False)


def test_weights_of_another_network_are_named(make, tmp_path):
    generator = make()
    torch.save({'a': torch.zeros(1)}, tmp_path / 'weights.pth')
    with pytest.raises(CheckpointError, match=r'weights\.pth does not fit Harmonizer'):
        generator.load()


def test_a_data_set_of_other_classes_is_refused(make):
    with pytest.raises(ValueError, match=r'4 classes.*trained for 3: train one'):
        make().check(4, False)


def test_a_config_of_another_model_is_refused(tmp_path):
    path = tmp_path / 'other.py'
    path.write_text("model = dict(type='Pix2PixHD')\n")
    with pytest.raises(ValueError, match=r'other\.py.*Pix2PixHD.*configs/harmonizer'):
        HarmonizedPixels(str(path), 'a.pth')


def test_what_paints_is_known_before_it_is_built():
    add, harmonized = dict(type='AddMulti'), dict(type='HarmonizedPixels')
    assert paints(dict(config='a.py', checkpoint='a.pth'), add)
    assert not paints(dict(type='RealPixels'), dict(type='Recon'))
    assert not paints(harmonized, add)
    with pytest.raises(ValueError, match='Recon has no base: take AddSingle'):
        paints(harmonized, dict(type='Recon'))
