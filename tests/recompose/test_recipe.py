import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg_ganaug.recompose import (
    LabelValueError,
    MemoryLabelSource,
    Placement,
    PlanError,
    Recipe,
    RecomposePlan,
    ReplayOptions,
    replay,
)
from mmseg_ganaug.recompose.placement import PositionPrior

INDEX = st.integers(0, 9)
PRIOR = PositionPrior(np.arange(24).reshape(2, 3, 4))
OPTIONS = [
    ReplayOptions(),
    ReplayOptions(fill='ignore'),
    ReplayOptions(min_plausibility=0.5, prior=PRIOR, guarded=(1, 3)),
]


@st.composite
def recipes(draw):
    classes = draw(st.lists(st.integers(0, 4), min_size=1, max_size=4, unique=True))

    def per_layer(values):
        entry = st.lists(values, min_size=len(classes), max_size=len(classes))
        return tuple(draw(entry))

    placement = st.builds(
        Placement,
        st.booleans(),
        st.integers(-99, 99),
        st.integers(-99, 99),
        st.sampled_from([1.0, 0.5, 1.333]),
    )
    others = st.lists(INDEX, max_size=2).map(tuple)
    return Recipe(
        recomposer=draw(st.sampled_from(['AddSingle', 'AddMulti', 'Recon'])),
        base=draw(st.none() | INDEX),
        donors=per_layer(INDEX),
        classes=tuple(classes),
        seed=draw(st.integers(0, 2**31 - 1)),
        placements=draw(st.just(()) | st.just(per_layer(placement))),
        fallback_donors=draw(st.just(()) | st.just(per_layer(others))),
        options=draw(st.sampled_from(OPTIONS)),
    )


@given(recipes())
def test_a_recipe_survives_json(recipe):
    line = recipe.to_json()
    assert '\n' not in line
    assert Recipe.from_json(line) == recipe


@given(st.lists(recipes(), max_size=5), st.sampled_from(OPTIONS))
def test_a_plan_survives_its_file(recipe_list, options):
    recipe_list = [
        Recipe.from_json(recipe.to_json(with_options=False), options)
        for recipe in recipe_list
    ]
    plan = RecomposePlan(
        tuple(recipe_list), 10, ('a', 'b', 'c', 'd', 'ä'), 255, options
    )
    lines = list(plan.lines())
    assert len(lines) == len(recipe_list) + 1
    assert all('options' not in line for line in lines[1:])

    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = f'{folder}/new/plan.jsonl'
        plan.write(path)
        again = RecomposePlan.read(path)
    assert again == plan
    assert all(recipe.options is again.options for recipe in again)
    assert again.fingerprint() == plan.fingerprint()


def small_plan(**changes):
    recipe = dict(recomposer='AddSingle', base=0, donors=(1,), classes=(1,), seed=3)
    recipe.update(changes)
    return RecomposePlan((Recipe(**recipe),), 2, ('road', 'car'), 255)


def test_the_fingerprint_tells_plans_apart():
    prints = {
        small_plan().fingerprint(),
        small_plan(seed=4).fingerprint(),
        small_plan(donors=(0,)).fingerprint(),
        small_plan(fallback_donors=((1,),)).fingerprint(),
        RecomposePlan((), 2, ('road', 'car'), 255).fingerprint(),
        RecomposePlan((), 2, ('road', 'car'), 255, OPTIONS[1]).fingerprint(),
        RecomposePlan((), 2, ('road', 'car'), 255, OPTIONS[2]).fingerprint(),
    }
    assert len(prints) == 7


def test_a_plan_is_a_sequence_of_recipes():
    plan = small_plan()
    assert len(plan) == 1
    assert plan[0] is plan[-1] is next(iter(plan))


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(base='0'), 'base'),
        (dict(base=-1), 'base'),
        (dict(base=True), 'base'),
        (dict(base=7), 'no map 7'),
        (dict(donors=[1.5]), 'donors'),
        (dict(donors=[9]), 'no map 9'),
        (dict(donors=[1, 1]), 'differ in length'),
        (dict(donors='1'), 'donors'),
        (dict(classes=[5]), 'no class 5'),
        (dict(classes=[]), 'layer'),
        (dict(classes=[1, 1], donors=[1, 1]), 'twice'),
        (dict(seed=None), 'seed'),
        (dict(recomposer=3), 'recomposer'),
        (dict(fallback_donors=[[8]]), 'no map 8'),
        (dict(fallback_donors=[1]), 'fallback_donors'),
        (dict(placements=[[False, 0, 0, -1.0]]), 'placements'),
        (dict(placements=[[False, 0, 0, float('nan')]]), 'placements'),
        (dict(placements=[[0, 0, 0, 1.0]]), 'placements'),
        (dict(options=[1]), 'options'),
        (dict(options={'fil': 'ignore'}), "options.*'fil'"),
        (dict(options={'max_hidden': 2}), 'max_hidden=2'),
        (dict(options={'max_hidden': 'a'}), 'max_hidden'),
        (dict(options={'guarded': [None]}), 'guarded'),
        (dict(options={'guarded': 3}), 'guarded'),
        (dict(options={'resize_donors': 1}), 'resize_donors'),
        (dict(options={'min_plausibility': 0.5}), 'prior'),
        (dict(options={'min_plausibility': 0.5, 'prior': {'a': 1}}), 'prior'),
        (dict(options={'min_plausibility': 0.5, 'prior': [[[256]]]}), 'prior'),
        (dict(options={'fill': 'x'}), "fill='x'"),
        (dict(path='/etc/passwd'), 'path'),
    ],
)
def test_a_plan_file_with_a_wrong_recipe_is_refused(tmp_path, change, message):
    path = tmp_path / 'plan.jsonl'
    header, line = small_plan().lines()
    path.write_text(header + '\n' + json.dumps({**json.loads(line), **change}) + '\n')
    with pytest.raises(PlanError, match=rf'(?s)plan\.jsonl.*{message}'):
        RecomposePlan.read(path)


@pytest.mark.parametrize(
    'text',
    [
        '',
        'nothing',
        '[]',
        '{}',
        '{"format": "other"}',
        '[' * (2 * sys.getrecursionlimit()),
        b'\xff\xfe',
    ],
)
def test_a_file_that_is_no_plan_is_refused(tmp_path, text):
    path = tmp_path / 'plan.jsonl'
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(PlanError, match=r'plan\.jsonl, line 1'):
        RecomposePlan.read(path)


def test_a_cut_plan_file_is_refused(tmp_path):
    path = tmp_path / 'plan.jsonl'
    small_plan().write(path)
    path.write_text(path.read_text().splitlines()[0] + '\n')
    with pytest.raises(PlanError, match='0 recipes found, the header gives 1'):
        RecomposePlan.read(path)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / 'plan.jsonl'
    small_plan().write(path)
    before = path.read_bytes()
    broken = replace(small_plan(), class_names=('road', object()))
    with pytest.raises(TypeError):
        broken.write(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ['plan.jsonl']


SOURCE = MemoryLabelSource(
    [np.zeros((4, 4), np.uint8), np.ones((4, 4), np.uint8)], 2, names=['a', 'b']
)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(recomposer='Other'), "'Other'"),
        (dict(base=None), 'base None'),
        (dict(recomposer='Recon'), 'base 0'),
        (dict(donors=(2,)), 'no map 2'),
        (dict(donors=(-1,)), 'no map -1'),
        (dict(classes=(2,)), 'no class 2'),
    ],
)
def test_a_recipe_that_cannot_be_replayed_is_an_error(change, message):
    recipe = dict(recomposer='AddSingle', base=0, donors=(1,), classes=(1,), seed=3)
    with pytest.raises(ValueError, match=message):
        replay(Recipe(**{**recipe, **change}), SOURCE)


def test_a_recon_whose_donors_show_nothing_is_an_error_that_names_them():
    recipe = Recipe('Recon', None, (0,), (1,), 0)
    with pytest.raises(LabelValueError, match=r'^a: none of the classes \[1\]'):
        replay(recipe, SOURCE)
