"""Real Cityscapes label and instance maps through the path of official weights."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmseg_ganaug.registry import MODELS
from mmseg_ganaug.synthesis import MMagicGenerator

ROOT = Path(__file__).parents[2]
CONFIG = (
    ROOT / 'configs/pix2pixhd/'
    'pix2pixhd_enhancer-label2city_1xb1-300k_cityscapes-1024x2048.py'
)
CONVERTER = ROOT / 'tools/model_converters/pix2pixhd_to_mmagic.py'
# Train ids of the label ids (cityscapesScripts, labels.py).
LABEL_IDS = (7, 8, 11, 12, 13, 17, *range(19, 29), 31, 32, 33)


@pytest.fixture(scope='module')
def narrow(tmp_path_factory):
    """The config of label2city at tiny width, and random weights, converted."""
    folder = tmp_path_factory.mktemp('label2city')
    config = Config.fromfile(CONFIG)
    config.model.generator.update(base_channels=2, num_blocks=1, num_local_blocks=1)
    config.model.discriminator.base_channels = 2
    config.dump(str(folder / 'config.py'))
    torch.manual_seed(0)
    network = MODELS.build(dict(config.model.generator, in_channels=36))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    torch.save(network.state_dict(), folder / 'latest_net_G.pth')
    files = [folder / n for n in ('config.py', 'latest_net_G.pth', 'label2city.pth')]
    command = [sys.executable, str(CONVERTER), *map(str, files)]
    subprocess.run(command, check=True, timeout=120)
    return dict(config=str(files[0]), checkpoint=str(files[2]))


@pytest.fixture(scope='module')
def maps(real_data):
    """Label maps of train ids and instance maps, [8, 1024, 2048]."""
    table = np.full(256, 255, np.uint8)
    table[list(LABEL_IDS)] = np.arange(19)
    folder = real_data / 'cityscapes_samples'
    labels = sorted((folder / 'train_label').glob('*_labelIds.png'))
    instances = sorted((folder / 'train_inst').glob('*_instanceIds.png'))
    assert len(labels) == len(instances) == 8
    return tuple(
        np.stack([cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in paths])
        for paths in (labels, instances)
    ) + (table,)


@pytest.mark.real_data
@pytest.mark.slow
def test_samples_are_painted_at_full_size_with_their_instances(narrow, maps):
    label_ids, instance_ids, table = maps
    assert instance_ids.max() > 20000
    generator = MMagicGenerator(**narrow, device='cpu', precision='fp32')
    generator.check(19, has_instances=True)
    for label_id, instance_id in zip(label_ids[:, None], instance_ids[:, None]):
        photos = generator.paint(table[label_id], instance_id.astype(np.int32))
        assert photos.shape == (1, 1024, 2048, 3)
        assert photos.dtype == np.uint8 and photos.std() > 5
    without = generator.paint(table[label_id], np.zeros_like(label_id, np.int32))
    assert (without != photos).any(axis=-1).mean() > 0.01


@pytest.mark.real_data
def test_faster_ways_paint_the_plain_photo(narrow, maps):
    label_ids, instance_ids, table = maps
    labels, instances = table[label_ids[:1]], instance_ids[:1].astype(np.int32)

    def paint(**options):
        generator = MMagicGenerator(**narrow, device='cpu', **options)
        return generator.paint(labels, instances).astype(int)

    plain = paint(precision='fp32', channels_last=False)
    assert np.abs(paint(precision='fp32') - plain).max() <= 1
    assert np.abs(paint(precision='bf16') - plain).mean() < 3


@pytest.mark.real_data
def test_raw_label_ids_are_refused(narrow, maps):
    label_ids, instance_ids, _ = maps
    generator = MMagicGenerator(**narrow, device='cpu')
    with pytest.raises(ValueError, match='neither one of the 19 classes'):
        generator.paint(label_ids[:1], instance_ids[:1].astype(np.int32))
