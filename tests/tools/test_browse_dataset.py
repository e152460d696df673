"""The contact sheet shows which samples are generated, painted as training paints."""

import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmseg_ganaug.registry import MODELS

TOOL = Path(__file__).parents[2] / 'tools/analysis_tools/browse_dataset.py'
SIZE = (16, 24)
ORANGE, BLUE = (230, 159, 0), (0, 114, 178)
LOAD = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]


@pytest.fixture
def generator(tmp_path):
    model = dict(
        type='Pix2PixHD',
        label_encoder=dict(num_classes=3),
        generator=dict(
            type='Pix2PixHDGlobalGenerator',
            base_channels=4,
            num_downsamples=1,
            num_blocks=1,
        ),
    )
    Config(dict(model=model)).dump(tmp_path / 'generator.py')
    torch.manual_seed(0)
    torch.save(MODELS.build(model).state_dict(), tmp_path / 'weights.pth')
    return dict(
        config=str(tmp_path / 'generator.py'), checkpoint=str(tmp_path / 'weights.pth')
    )


@pytest.fixture
def real(tmp_path):
    rng = np.random.default_rng(0)
    for index in range(6):
        label_map = rng.integers(0, 3, SIZE, dtype=np.uint8)
        label_map[:4] = 255
        for folder, array in (
            ('img', np.full((*SIZE, 3), 40 + index, np.uint8)),
            ('ann', label_map),
        ):
            (tmp_path / folder).mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / folder / f'{index}.png'), array)
    return dict(
        type='BaseSegDataset',
        data_root=str(tmp_path),
        data_prefix=dict(img_path='img', seg_map_path='ann'),
        img_suffix='.png',
        metainfo=dict(
            classes=('a', 'b', 'c'), palette=[[200, 0, 0], [0, 200, 0], [0, 0, 200]]
        ),
        pipeline=[*LOAD, dict(type='PackSegInputs')],
    )


@pytest.fixture
def browse(tmp_path, monkeypatch):
    def run(datasets, preprocessor, *options, sampler=None, beside=False):
        network = {}
        if beside:
            network = dict(model=dict(type='Net'), data_preprocessor=preprocessor)
        elif preprocessor:
            network = dict(model=dict(data_preprocessor=preprocessor))
        Config(
            dict(
                default_scope='mmseg',
                train_dataloader=dict(
                    dataset=dict(type='ConcatDataset', datasets=datasets),
                    sampler=sampler or dict(type='InfiniteSampler'),
                ),
                **network,
            )
        ).dump(tmp_path / 'mixed.py')
        sheet = tmp_path / 'sheet' / 'a.png'
        options += ('--out', str(sheet), '--show-dir', str(tmp_path / 'out'))
        config = str(tmp_path / 'mixed.py')
        monkeypatch.setattr(sys, 'argv', [str(TOOL), config, *options])
        with DefaultScope.overwrite_default_scope('mmseg'):
            runpy.run_path(str(TOOL), run_name='__main__')
        return cv2.imread(str(sheet))[..., ::-1], sorted(
            path.name for path in (tmp_path / 'out').glob('*.png')
        )

    return run


def share(sheet, colour):
    return np.all(sheet == np.array(colour), axis=-1).mean()


def generated_from(real, generator, tmp_path):
    return dict(
        type='mmseg_ganaug.GANRecomposeDataset',
        source=real,
        recomposer=dict(type='AddSingle'),
        generator=generator,
        num_samples=5,
        cache_dir=str(tmp_path / 'cache'),
    )


def test_real_and_generated_samples_are_shown_and_marked(
    browse, real, generator, tmp_path
):
    made = generated_from(real, generator, tmp_path)
    sheet, files = browse(
        [real, made], dict(type='SegDataPreProcessor'), '--num-samples', '4'
    )
    assert files == [
        '000000_real_0.png',
        '000005_real_5.png',
        '000006_generated_00000000.png',
        '000010_generated_00000004.png',
    ]
    frames = [share(sheet, ORANGE), share(sheet, BLUE)]
    assert frames[0] == pytest.approx(frames[1], rel=0.1)
    assert frames[0] > 0.01
    for name, colour in ((files[0], BLUE), (files[2], ORANGE)):
        picture = cv2.imread(str(tmp_path / 'out' / name))[..., ::-1]
        assert picture.shape == (SIZE[0], 2 * SIZE[1], 3)
        assert tuple(picture[0, SIZE[1]]) == colour
        assert tuple(picture[0, 0]) != colour


def test_pictures_of_the_user_stay(browse, real, tmp_path):
    browse([real], None)
    sheet, picture = tmp_path / 'sheet' / 'a.png', tmp_path / 'out/000000_real_0.png'
    for mine in (sheet, picture):
        mine.write_bytes(b'mine')
    browse([real], None)
    for mine in (sheet, picture):
        (kept,) = mine.parent.glob(f'{mine.name}.before-*')
        assert kept.read_bytes() == b'mine'
    for again in (sheet, picture):
        assert cv2.imread(str(again)) is not None


def test_a_config_of_data_alone_is_enough(browse, real):
    assert len(browse([real], None)[1]) == 6


def test_one_kind_can_be_chosen(browse, real, generator, tmp_path):
    datasets = [real, generated_from(real, generator, tmp_path)]
    plain = dict(type='SegDataPreProcessor')
    sheet, files = browse(datasets, plain, '--kind', 'generated', '--num-samples', '0')
    assert len(files) == 5
    assert share(sheet, BLUE) == 0
    with pytest.raises(SystemExit, match='no generated samples'):
        browse([real], plain, '--kind', 'generated')


@pytest.mark.parametrize('beside', [False, True])
def test_samples_recombined_in_the_pipeline_are_painted(
    browse, real, generator, tmp_path, beside
):
    source = {key: value for key, value in real.items() if key != 'pipeline'}
    pipeline = [
        *LOAD,
        dict(
            type='RecomposeLabels',
            source=source,
            recomposer=dict(type='AddSingle'),
            cache_dir=str(tmp_path / 'cache'),
            prob=1.0,
        ),
        dict(type='PackSegInputs', meta_keys=('img_path', 'recomposed')),
    ]
    _, files = browse(
        [real, dict(real, pipeline=pipeline)],
        dict(type='GANSegDataPreProcessor', generator=generator, size=SIZE),
        '--num-samples',
        '4',
        sampler=dict(type='InfiniteRatioSampler', generated=[1]),
        beside=beside,
    )
    assert [name.split('_')[1] for name in files] == ['real'] * 2 + ['generated'] * 2
    photos = [cv2.imread(str(tmp_path / 'out' / name))[:, : SIZE[1]] for name in files]
    assert all(len(np.unique(photo)) == 1 for photo in photos[:2])
    assert all(len(np.unique(photo)) > 10 for photo in photos[2:])
