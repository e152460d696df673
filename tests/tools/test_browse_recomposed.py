"""What the sheets of recombined maps show."""

import numpy as np
import pytest
from mmengine.config import ConfigDict

from mmseg_ganaug.commands.browse_recomposed import gallery_row, tone_of
from mmseg_ganaug.recompose import AddSingle, LabelStatistics, MemoryLabelSource
from mmseg_ganaug.visualization import recomposition_gallery


@pytest.mark.parametrize(
    ('config', 'tone'),
    [
        ({}, True),
        (dict(composite='real'), True),
        (dict(composite=dict(mode='real')), True),
        (dict(composite=dict(mode='real', match_tone=False)), False),
        (dict(composite=dict(mode='real', match_tone='gain')), 'gain'),
    ],
)
def test_pixels_are_shown_in_the_light_that_the_config_gives_them(config, tone):
    tone_found = tone_of(ConfigDict(config))
    assert tone_found is tone or tone_found == tone == 'gain'
    maps = [np.zeros((24, 32), np.uint8) for _ in range(2)]
    maps[0][4:12, 5:20] = maps[1][9:20, 5:20] = 1
    day = np.random.default_rng(0).integers(100, 250, (24, 32, 3)).astype(np.uint8)
    source = MemoryLabelSource(maps, 2, photos=[day, day // 3 + 9])
    way = AddSingle(min_area=0.0)
    recipe = way.plan(LabelStatistics.collect(source), 1, 0)[0]
    row = gallery_row(recipe, way, source, 3, True, tone_found)
    shown = row.cells['their own pixels']
    expected = {
        other: way.recompose(recipe, source, with_photo=True, match_tone=other).photo
        for other in (True, False, 'gain')
    }
    same = [other for other, photo in expected.items() if np.array_equal(photo, shown)]
    assert same == [tone]


def test_donors_of_another_size_are_shown_as_they_were_given(tmp_path):
    maps = [np.zeros((24, 32), np.uint8), np.zeros((40, 20), np.uint8)]
    for label_map in maps:
        label_map[8:16, 5:15] = 1
    source = MemoryLabelSource(maps, 2)
    way = AddSingle(min_area=0.0, resize_donors=True)
    plan = way.plan(LabelStatistics.collect(source), 4, 0)
    rows = [gallery_row(recipe, way, source, 3, False) for recipe in plan]
    assert any('donor 1: its layer' in row.cells for row in rows)
    for row in rows:
        assert len({cell.shape for cell in row.cells.values()}) == 1
    colours = [[9, 9, 9], [200, 0, 0]]
    sheet = recomposition_gallery(rows, colours, 255, ['a', 'b'], tmp_path / 'a.png')
    assert sheet.is_file()
