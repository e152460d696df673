"""Plans that are exported come back as they were, whatever they hold."""

import os
import shutil

import numpy as np
from random_maps import RECOMPOSERS, random_source

from mmseg_ganaug.datasets.planned_files import PlannedFiles, read_planned
from mmseg_ganaug.recompose import (
    LabelStatistics,
    MemoryLabelSource,
    RecomposePlan,
    replay,
)
from mmseg_ganaug.synthesis import PaintedFolder, SampleMaker
from mmseg_ganaug.synthesis.generator import PlannedSample
from mmseg_ganaug.synthesis.sample_files import decode_label_map, decode_photo

#: Plans that are drawn; more by ``GANAUG_FUZZ=2000``.
EXAMPLES = int(os.environ.get('GANAUG_FUZZ', 20))
CLASSES, IGNORE = 5, 255


class WithContext:
    uses_context = True


def draw_source(seed):
    """Random maps with photos, in every second case with instance maps."""
    drawn = random_source(seed, instances=seed % 2 == 0)
    maps = [drawn.label_map(index) for index in range(len(drawn))]
    instances = [drawn.instance_map(index) for index in range(len(drawn))]
    rng = np.random.default_rng(seed)
    return MemoryLabelSource(
        maps,
        CLASSES,
        IGNORE,
        instance_maps=instances if seed % 2 == 0 else None,
        photos=[rng.integers(0, 256, (*m.shape, 3), dtype=np.uint8) for m in maps],
    )


def check_plan(seed, folder):
    source = draw_source(seed)
    recomposer = RECOMPOSERS[seed % len(RECOMPOSERS)]
    plan = recomposer.plan(LabelStatistics.collect(source), 3, seed)
    assert isinstance(plan, RecomposePlan)
    ids = [f'{seed:012x}-{number:06d}' for number in range(3)]
    maker = SampleMaker(plan, 3, recomposer.recompose, source, WithContext(), ids=ids)
    palette = np.random.default_rng(seed).integers(0, 256, (CLASSES, 3)).tolist()
    files = PlannedFiles(folder, source, palette, str(seed), '{classes}')
    listed = read_planned(files.write_planned(maker, list(plan), ids, range(3)))
    assert [name for name, _ in listed] == ids
    painter = PaintedFolder(str(folder / 'colors'), min_share=1)
    samples, colours = [], np.zeros((256, 3), np.uint8)
    colours[:CLASSES] = palette
    for number, (name, recipe) in enumerate(listed):
        made = replay(recipe, source, with_photo=True, match_tone=True)
        labels, mask = (
            decode_label_map((folder / kind / f'{name}.png').read_bytes())
            for kind in ('labels', 'mask')
        )
        np.testing.assert_array_equal(labels, made.label_map)
        np.testing.assert_array_equal(mask == 255, made.changed)
        context = decode_photo((folder / 'context' / f'{name}.png').read_bytes())
        np.testing.assert_array_equal(context[made.shown], made.photo[made.shown])
        assert not context[~made.shown].any()
        samples.append(PlannedSample(name, labels.shape))
        assert painter.lacking(samples, number + 1) == []
        (seen,) = maker.recompose([number])
        painted = painter.paint(labels[None], None, maker.context(number, seen))
        np.testing.assert_array_equal(painted[0], colours[labels])


def test_exported_plans_replay_to_the_same_label_maps_and_come_back(tmp_path):
    for seed in range(EXAMPLES):
        check_plan(seed, tmp_path / 'plan')
        shutil.rmtree(tmp_path / 'plan')
