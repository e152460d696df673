"""Whatever a data set holds: right, or one error that names the file."""

import os
from collections import Counter

import numpy as np
import painters  # noqa: F401  (registers it)
import pytest
from drawn_data_sets import data_sets, problem_of
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mmseg.registry import DATASETS

from mmseg_ganaug.datasets import DatasetLabelSource, LabelToImageDataset, build_source
from mmseg_ganaug.datasets.statistics import check_label_values

#: Data sets that are drawn; more by ``GANAUG_FUZZ=2000``.
EXAMPLES = int(os.environ.get('GANAUG_FUZZ', 200))
RECOMPOSERS = [
    dict(type=name, **options)
    for name in ('AddSingle', 'AddMulti', 'Recon')
    for options in ({}, dict(objects={}, min_area=0))
]


def read_labels(drawn):
    """Holds every label map against the truth."""
    source = DatasetLabelSource(build_source(drawn.config))
    source.files_digest()
    check_label_values(source)
    names = [source.name(index) for index in range(len(source))]
    assert sorted(names) == sorted(drawn.truth), 'other files than there are'
    for index, name in enumerate(names):
        found = source.label_map(index)
        assert np.array_equal(found, drawn.truth[name]), f'{name} is read wrongly'


def train_generator(drawn):
    """Holds every pair of a generator's training against the truth."""
    pairs = LabelToImageDataset(drawn.config, pipeline=[])
    for index in range(len(pairs)):
        wanted = drawn.truth[pairs.get_data_info(index)['seg_map_path']]
        found = pairs[index]['inputs']['img_label'][0].numpy()
        assert np.array_equal(found, wanted), 'the generator sees other labels'


def generate(drawn, recomposer, cache):
    """Makes samples, and holds what training gets against what was stored."""
    dataset = DATASETS.build(
        dict(
            type='mmseg_ganaug.GANRecomposeDataset',
            source=drawn.config,
            recomposer=recomposer,
            generator=dict(type='GreyPainter'),
            num_samples=3,
            cache_dir=str(cache),
        )
    )
    samples = DatasetLabelSource(dataset)
    plan, _ = dataset.generate()
    source = dataset.label_source()
    for index in range(len(dataset)):
        stored = samples.label_map(index)
        known = set(range(drawn.num_classes)) | {drawn.ignore_index}
        assert set(np.unique(stored).tolist()) <= known, 'a foreign label value'
        made = dataset.plan()[1].recompose(plan[index], source).label_map
        assert np.array_equal(made, stored), 'not what the recipe says'
        packed = dataset[index]['data_samples'].gt_sem_seg.data[0].numpy()
        flipped = [stored, stored[:, ::-1]]
        assert any(np.array_equal(packed, m) for m in flipped), 'packed otherwise'


@pytest.fixture(scope='module')
def counted(tmp_path_factory):
    """What came of the data sets; printed at the end."""
    counts = Counter()
    yield counts
    print(f'\n{sum(counts.values())} data sets: {dict(counts)}')


def test_a_data_set_is_read_right_or_refused_by_name(tmp_path_factory, counted):
    folder = tmp_path_factory.mktemp('drawn') / 'data'

    @settings(
        max_examples=EXAMPLES,
        derandomize=EXAMPLES <= 200,
        suppress_health_check=list(HealthCheck),
        deadline=None,
        database=None,
        # What was drawn is told by its note; to shrink it would take minutes.
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    @given(drawn=data_sets(folder), recomposer=st.sampled_from(RECOMPOSERS))
    def check(drawn, recomposer):
        cache = folder.with_name('cache')
        outcomes = []
        for action, faults in (
            (lambda: read_labels(drawn), drawn.label_faults),
            (lambda: train_generator(drawn), drawn.faults + drawn.label_faults),
            (
                lambda: generate(drawn, recomposer, cache),
                drawn.faults + drawn.label_faults,
            ),
        ):
            try:
                action()
            except AssertionError:
                raise
            except Exception as error:
                # Too few objects or sizes to recombine: says so, and names the option.
                names = (recomposer['type'], 'objects=')
                if not drawn.label_faults and any(n in str(error) for n in names):
                    outcomes.append('nothing to recombine')
                    continue
                problem = problem_of(error, faults)
                assert problem is None, f'{drawn.note}: {problem}: {error!r}'
                outcomes.append('refused')
            else:
                assert not faults, f'{drawn.note} was taken, with {faults}'
                outcomes.append('right')
        counted[' '.join(sorted(set(outcomes)))] += 1

    check()
