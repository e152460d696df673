"""Who goes on is chosen without the photos that evaluate; nothing is done twice."""

import json

import pytest
from mmengine.config import Config
from pretended import CLASSES, PretendedTools

from mmseg_ganaug.bench import race as race_module
from mmseg_ganaug.bench.budget import plan_rungs
from mmseg_ganaug.bench.race import Race
from mmseg_ganaug.experiments import runner
from mmseg_ganaug.experiments.training_run import TrainingRun
from mmseg_ganaug.ownership import WorkFolder

NAMES = ['plain', 'weights', 'sampling', 'focal', 'pixels', 'painted']
SIMPLE = ['weights', 'sampling', 'focal']
#: What each reaches in the rare classes at 100 iterations.
RARE = dict(plain=10, weights=14, sampling=12, focal=2, pixels=20, painted=19)


def reached(treatment, iterations, seed):
    return [90.0, RARE[treatment] + iterations / 100 + seed / 10, 5.0]


@pytest.fixture
def tools(tmp_path, monkeypatch):
    found = PretendedTools(reached)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runner, 'run_tool', found)
    monkeypatch.setattr(runner, 'class_names', lambda cfg: CLASSES)
    return found


def make_race(names=NAMES, iterations=400, jobs=1, inputs='labels'):
    work = WorkFolder('out', 'bench')
    for folder in ('runs', 'configs', 'logs', 'results'):
        work.add_folder(work.folder / folder)

    def make_training(name, seed, length, validations):
        cfg = Config(
            dict(
                train_dataloader=dict(dataset=dict(type=name)),
                val_dataloader=dict(dataset='chooses'),
                test_dataloader=dict(dataset='evaluates'),
                val_evaluator=dict(type='ClassIoUMetric'),
                test_evaluator=dict(type='ClassIoUMetric'),
                train_cfg=dict(max_iters=length, val_interval=length // validations),
                randomness=dict(seed=seed),
                work_dir=f'out/runs/{name}/{length}-seed{seed}',
            )
        )
        path = work.folder / 'configs' / f'{name}-{length}-seed{seed}.py'
        return TrainingRun(path, cfg, inputs, work)

    rungs = plan_rungs(len(names), iterations, [0, 1, 2], 3)
    return Race(names, SIMPLE, make_training, rungs, CLASSES[1:], work, jobs)


def figures(results):
    """Results without what differs in each run of the same."""
    left = ('seconds', 'finished')
    return [
        {k: v for k, v in run.to_json().items() if k not in left} for run in results
    ]


def test_the_better_half_goes_on_and_plain_and_the_best_simple_stay(tools):
    race = make_race()
    results = race.run()
    assert [each.kept for each in race.rounds] == [
        ['plain', 'weights', 'pixels'],
        ['plain', 'weights', 'pixels'],
    ]
    assert [each.iterations for each in race.rounds] == [200, 400]
    evaluated = [run for run in results if run.extra['on'] == 'evaluate']
    assert len(evaluated) == 9
    assert all(run.counts is not None for run in evaluated)
    assert len([run for run in results if run.extra['on'] == 'choose']) == 6 + 9
    # One test for each finalist and seed: validations are part of the trainings.
    assert [tool for tool, *_ in tools.ran].count('test') == 9
    assert [tool for tool, *_ in tools.ran].count('train') == 6 + 9


def test_plain_stays_even_where_it_is_the_worst(tools, monkeypatch):
    monkeypatch.setitem(RARE, 'plain', 0)
    race = make_race()
    race.run()
    assert 'plain' in race.rounds[-1].kept


def test_a_class_that_no_photo_shows_is_no_loss_for_who_predicts_it(tools):
    # Where none of its pixels is predicted, it has no IoU; else it has 0.
    tools.ious = lambda name, *others: [
        *reached(name, *others)[:2],
        0.0 if name in ('weights', 'pixels') else float('nan'),
    ]
    race = make_race()
    race.run()
    assert race.rounds[0].kept == ['plain', 'weights', 'pixels']


def test_the_photos_that_evaluate_have_no_part_in_the_choice(tools):
    test = tools.test
    tools.test = lambda arguments, metrics, ious: test(
        arguments, dict.fromkeys(metrics, 0.0), [0.0] * len(CLASSES)
    )
    race = make_race()
    race.run()
    assert race.rounds[-1].kept == ['plain', 'weights', 'pixels']


def test_a_finished_race_runs_nothing_again_and_comes_to_the_same(tools):
    first = make_race().run()
    tools.ran.clear()
    again = make_race(jobs=2).run()
    assert tools.ran == []
    assert figures(again) == figures(first)
    assert [(r.counts is None) for r in again] == [(r.counts is None) for r in first]


@pytest.mark.parametrize('damage', ['removed', 'cut'])
def test_a_run_whose_counts_are_lost_is_tested_again(tools, damage):
    first = make_race().run()
    tools.ran.clear()
    (path,) = race_module.Path('out').glob('results/*/weights-seed1.csv')
    whole = path.read_text()
    if damage == 'removed':
        path.unlink()
    else:
        path.write_text(whole[: len(whole) // 2])
    again = make_race().run()
    assert [ran[:2] for ran in tools.ran] == [('test', 'weights')]
    assert figures(again) == figures(first)
    assert path.read_text() == whole


@pytest.mark.parametrize('killed_at', [0, 1, 5, 6, 8, 14, 20, 23])
def test_a_killed_race_goes_on_to_the_same(tools, killed_at, tmp_path, monkeypatch):
    whole = make_race().run()
    count = len(tools.ran)
    other = tmp_path / 'other'
    other.mkdir()
    monkeypatch.chdir(other)
    tools.ran.clear()
    tools.killed_at = killed_at
    with pytest.raises(KeyboardInterrupt):
        make_race().run()
    tools.killed_at = None
    results = make_race().run()
    assert figures(results) == figures(whole)
    # The tool that was killed is the only one that may run twice.
    assert count <= len(tools.ran) <= count + 1


def test_other_labels_are_trained_on_again(tools):
    make_race().run()
    tools.ran.clear()
    make_race(inputs='others').run()
    assert len(tools.ran) == 24


def test_a_training_killed_in_its_last_validation_has_one_made_up_for(tools):
    train = tools.train

    def train_alone(cfg, config, metrics):
        train(cfg, config, metrics)
        if cfg.work_dir.endswith('weights/200-seed3'):
            for path in race_module.Path(cfg.work_dir).glob('*/vis_data/scalars.json'):
                path.write_text(json.dumps({'loss': 1.0, 'step': 200}))

    tools.train = train_alone
    results = make_race().run()
    assert ('test', 'weights', 200, '3-choose') in tools.ran
    (made_up,) = (
        run for run in results if (run.method, run.extra['rung']) == ('weights', 1)
    )
    assert made_up.iou(CLASSES[1]) == pytest.approx(16.3)
    cfg = Config.fromfile('out/configs/weights-200-seed3-choose.py')
    assert cfg.test_dataloader.dataset == 'chooses'
    tools.ran.clear()
    make_race().run()
    assert tools.ran == []


def test_a_treatment_that_fails_is_out_and_the_others_go_on(tools, capsys):
    tools.fails = {'weights'}
    race = make_race()
    results = race.run()
    assert list(race.failures) == ['weights']
    assert 'weights fails; it is out of the race' in capsys.readouterr().out
    assert race.rounds[-1].kept == ['plain', 'sampling', 'pixels']
    assert 'weights' not in {run.method for run in results}


def test_nothing_goes_on_where_plain_fails(tools):
    tools.fails = {'plain'}
    with pytest.raises(ValueError, match='plain fails'):
        make_race().run()
