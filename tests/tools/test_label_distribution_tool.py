"""label_distribution.py on label maps alone, laid out as BDD100K's."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

# MMEngine's progress bar keeps the stdout of its import: that of one test would close.
import mmseg_ganaug.datasets  # noqa: F401

TOOL = Path(__file__).parents[2] / 'tools/analysis_tools/label_distribution.py'

CONFIG = """
train_dataloader = dict(
    dataset=dict(
        type='RepeatDataset',
        times=10,
        dataset=dict(
            type='BDD100KDataset',
            data_root='{}',
            data_prefix=dict(img_path='annotations', seg_map_path='annotations'),
            img_suffix='_train_id.png',
            seg_map_suffix='_train_id.png',
        ),
    )
)
default_scope = 'mmseg'
custom_imports = dict(imports=['mmseg_ganaug'])
"""


@pytest.mark.parametrize('num_workers', [0, 2])
def test_label_maps_need_no_photos(tmp_path, monkeypatch, capsys, num_workers):
    for number in range(5):
        label_map = np.zeros((18, 32), np.uint8)
        label_map[:9, :16] = 18 if number == 0 else 10  # bicycle, sky
        label_map[9:, 16:] = 255
        path = tmp_path / 'annotations' / f'7d06fefd-{number}_train_id.png'
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(label_map).save(path)
    config = tmp_path / 'bdd_labels.py'
    config.write_text(CONFIG.format(tmp_path))
    out = tmp_path / 'out'
    arguments = ['--out', str(out), '--cache-dir', str(tmp_path / 'cache')]
    arguments += ['--num-workers', str(num_workers)]
    monkeypatch.setattr(sys, 'argv', [str(TOOL), str(config), *arguments])
    runpy.run_path(str(TOOL), run_name='__main__')
    printed = capsys.readouterr().out
    assert '5 label maps, 25.00 % of the pixels ignored' in printed
    found = json.loads((out / 'label_distribution.json').read_text())
    assert found['maps'] == 5
    shares = dict(zip(found['classes'], found['pixel_frequency']))
    assert shares['bicycle'] == pytest.approx(1 / 15)
    assert shares['sky'] == pytest.approx(4 / 15)
    images = dict(zip(found['classes'], found['image_frequency']))
    assert (images['bicycle'], images['road']) == (0.2, 1.0)
    assert (out / 'label_distribution.png').is_file()
