"""What the sheets of recombined maps show."""

import numpy as np
import pytest
from mmengine.config import ConfigDict

from mmseg_ganaug.commands.browse_recomposed import gallery_row, tone_of
from mmseg_ganaug.recompose import AddSingle, LabelStatistics, MemoryLabelSource


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
