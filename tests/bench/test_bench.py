"""From two folders to a verdict; killed anywhere and started again, to the same one."""

import json
import re
from argparse import Namespace
from pathlib import Path

import pytest
from pretended import PretendedTools
from tiny_data import make_scenes
from warm_tools import run_tool

from mmseg_ganaug.bench import bench as bench_module
from mmseg_ganaug.bench.bench import Bench, run_bench
from mmseg_ganaug.bench.options import BenchOptions
from mmseg_ganaug.bench.race import Round, flat_curves
from mmseg_ganaug.bench.schema import check_bench
from mmseg_ganaug.evaluation import RunResult
from mmseg_ganaug.evaluation.photo_counts import read_counts
from mmseg_ganaug.experiments import runner
from mmseg_ganaug.file_locks import locked
from mmseg_ganaug.in_the_way import InTheWayError

GAINS = {'class-weights-sqrt': 8, 'ohem': 1}
TREATMENTS = ['class-weights-sqrt', 'ohem', 'rare-class-sampling']


def reached(treatment, iterations, seed):
    gain = GAINS.get(treatment, 0)
    return [80.0, 50 + gain + iterations / 100 + seed / 10, 10.0 + gain]


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Pretended tools, and 30 photos in two folders."""
    monkeypatch.chdir(tmp_path)
    make_scenes(tmp_path, count=30)
    found = PretendedTools(reached)
    found.num_photos = 6
    monkeypatch.setattr(runner, 'run_tool', found)
    return found


def ask(**options):
    asked = dict(
        images='photos',
        masks='masks',
        treatments=TREATMENTS,
        jobs=1,
        work_dir='out',
        iters=80,
    )
    return BenchOptions(**{**asked, **options})


def timeless(path):
    """What stands in bench.json, but for times."""
    found = json.loads(Path(path).read_text())
    del found['minutes']
    for run in found['runs']:
        del run['seconds']
    return found


@pytest.fixture(scope='module')
def diagnosed():
    """What the first bench of this file finds out of the photos, for the others."""
    return []


@pytest.fixture
def known(diagnosed, monkeypatch):
    """Diagnoses once."""
    diagnose = bench_module.diagnose

    def once(*args, **options):
        if not diagnosed:
            diagnosed.append(diagnose(*args, **options))
        return diagnosed[0]

    monkeypatch.setattr(bench_module, 'diagnose', once)


def test_two_folders_come_to_a_verdict(tools, capsys):
    report = run_bench(Namespace(**vars(ask()), func='x'))
    assert report == Path('out/report.html')
    found = json.loads(Path('out/bench.json').read_text())
    check_bench(found)
    assert found['verdict']['treatment'] == 'class-weights-sqrt'
    printed = capsys.readouterr().out
    assert found['verdict']['sentence'] in printed
    for name in ('report.html', 'bench.json'):
        (path,) = re.findall(rf'^(?:Report|Figures): +(\S+/{name})$', printed, re.M)
        assert Path(path).is_file()
    assert 'Next:     ganaug train out/overlays/class-weights-sqrt.py\n' in printed
    assert found['data']['photos'] == dict(train=18, choose=6, evaluate=6)
    assert [each['left_after'] for each in found['treatments']] == [None, None, None, 1]
    assert [each['iterations'] for each in found['race']] == [40, 80]
    assert found['race'][0]['seeds'] != found['race'][1]['seeds'][:1]
    assert found['diagnosis']['headroom']['photos'] == [4, 9, 18]
    # What is shown lies where it is named.
    for each in found['photos']:
        for kind in ('photo', 'truth', 'before', 'after'):
            assert (Path('out') / each[kind]).is_file()
    overlay = Path('out/overlays/class-weights-sqrt.py').read_text()
    assert (
        'inverse-sqrt' in overlay
        and 'inverse-sqrt' in found['treatments'][1]['overlay']
    )
    assert found['treatments'][0]['overlay'] == ''
    assert found['disk_bytes']['plain'] > 0
    # No part of a training is run twice: the whole of headroom is plain's first rung.
    assert len(set(tools.ran)) == len(tools.ran)


def test_each_data_set_has_a_work_folder_of_its_own(tmp_path, monkeypatch):
    (tmp_path / 'here').mkdir()
    monkeypatch.chdir(tmp_path / 'here')
    folders = [
        BenchOptions(**given).folder.as_posix()
        for given in (
            {},
            dict(config='mine/streets.py'),
            dict(images='a/photos', masks='a/masks'),
            dict(images='../b/photos/', masks='b/masks'),
            dict(images='photos', masks='masks'),
            dict(images='photos', masks='masks', work_dir='out'),
        )
    ]
    assert folders == [
        'work_dirs/bench-toystreets',
        'work_dirs/bench-streets',
        'work_dirs/bench-a-photos',
        'work_dirs/bench-b-photos',
        'work_dirs/bench-here-photos',
        'out',
    ]


def test_killed_in_each_stage_it_goes_on_to_the_same(tools, known):
    Bench(ask()).run()
    whole, count = timeless('out/bench.json'), len(tools.ran)
    assert count == 29
    Path('out').rename('first')
    tools.ran.clear()
    # Twice in the headroom, in each rung, in the last test, in the photos shown.
    for tools.killed_at in (0, 2, 4, 7, 12, 25, 28):
        with pytest.raises(KeyboardInterrupt):
            Bench(ask()).run()
    tools.killed_at = None
    Bench(ask()).run()
    assert timeless('out/bench.json') == whole
    # Of the two tests of the photos shown, the first was done before the last kill.
    assert len(tools.ran) == count + 1
    tools.ran.clear()
    Bench(ask()).run()
    assert not tools.ran
    assert timeless('out/bench.json') == whole


def test_a_budget_is_planned_once_and_kept(tools, known, capsys):
    tools.killed_at = 5
    with pytest.raises(KeyboardInterrupt):
        Bench(ask(iters=None, minutes=30)).run()
    plan = json.loads(Path('out/plan.json').read_text())
    assert plan['iterations'] >= 100
    assert plan['costs']['iteration'] == 0.05
    tools.killed_at = None
    Bench(ask(iters=None, minutes=30, jobs=2)).run()
    assert json.loads(Path('out/plan.json').read_text()) == plan
    found = json.loads(Path('out/bench.json').read_text())
    assert found['race'][-1]['iterations'] == plan['iterations']
    assert [run for run in tools.ran if run[1] == 'trial'] == tools.ran[:1]
    assert 'The race takes about 0:' in capsys.readouterr().out


def test_a_budget_that_shows_nothing_is_refused(tools, known):
    with pytest.raises(ValueError, match=r'add \d+ minutes or more to --minutes'):
        Bench(ask(iters=None, minutes=0.01)).run()


def test_files_of_the_user_stop_it_before_anything_is_written(tools):
    path = Path('out/configs/mine.py')
    path.parent.mkdir(parents=True)
    path.write_text('mine')
    with pytest.raises(InTheWayError, match='out/configs'):
        Bench(ask()).run()
    assert sorted(Path('out').iterdir()) == [path.parent]
    assert not tools.ran


def test_a_treatment_that_the_config_does_not_take_is_named(tools, known):
    with pytest.raises(ValueError, match="there is no treatment 'magic'"):
        ask(treatments=['magic'])
    with pytest.raises(ValueError, match='recon needs a generator'):
        ask(treatments=['recon'])


def test_what_the_users_own_network_does_not_take_is_said_before_the_race(tools, known):
    # The proxy has a softmax cross entropy all the same.
    sigmoid = {'model.decode_head.loss_decode.use_sigmoid': True}
    with pytest.raises(ValueError, match='treatment focal: no decode head'):
        Bench(ask(treatments=['focal'], cfg_options=sigmoid)).run()
    assert not tools.ran


def test_a_curve_is_flat_where_twice_the_length_gains_little():
    def run(method, rung, miou, seed=0):
        extra = dict(on='choose', rung=rung)
        return RunResult(method, seed, miou, 80.0, {'a': 50.0}, 'race', extra)

    rounds = [
        Round(40, [3], ['plain', 'x', 'y'], ['plain', 'x']),
        Round(80, [0, 1], ['plain', 'x'], ['plain', 'x']),
    ]
    runs = [run('plain', 1, 40.0), run('x', 1, 40.0), run('y', 1, 10.0)]
    runs += [run('plain', 2, 40.5), run('plain', 2, 40.9, 1), run('x', 2, 43.0)]
    assert flat_curves(runs, rounds) == {
        'plain': dict(doubled_difference=0.7, flat=True),
        'x': dict(doubled_difference=3.0, flat=False),
    }


@pytest.mark.slow
def test_real_trainings_come_to_a_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_scenes(tmp_path, count=24)

    def warm(title, tool, arguments, log_path, environment=None, line=None):
        return run_tool(title, tool, arguments, log_path)

    monkeypatch.setattr(runner, 'run_tool', warm)
    monkeypatch.setattr('mmseg_ganaug.bench.options.SEEDS', 2)
    options = ask(iters=4, treatments=['real-pixels'])
    Bench(options).run()
    found = json.loads(Path('out/bench.json').read_text())
    check_bench(found)
    evaluated = [run for run in found['runs'] if run['on'] == 'evaluate']
    assert len(evaluated) == 4
    assert all(len(run['per_class_iou']) == 3 for run in evaluated)
    for run in evaluated:
        counts = read_counts(Path('out') / run['counts'])
        assert counts.shape == (found['data']['photos']['evaluate'], 3, 3)
    curves = [run['curve'] for run in found['runs'] if run['rung'] == 2]
    assert max(map(len, curves)) > 1
    assert Path('out/report.html').stat().st_size > 10_000


def test_a_share_of_photos_that_fails_leaves_out_the_headroom_alone(tools, known):
    tools.fails = {'headroom-photos-25'}
    Bench(ask(treatments=['ohem'])).run()
    found = json.loads(Path('out/bench.json').read_text())
    assert found['diagnosis']['headroom'] is None
    (note,) = [each for each in found['notes'] if 'Headroom' in each]
    assert note.startswith('Headroom was not measured: photos-25')
    assert 'fails' in note and not note.endswith('..')


def test_photos_that_cannot_be_shown_do_not_hide_the_verdict(
    tools, known, monkeypatch, capsys
):
    def fail(*args):
        raise OSError('the disk is full')

    monkeypatch.setattr(bench_module, 'show_photos', fail)
    monkeypatch.setattr(bench_module, 'show_pairs', fail)
    report = Bench(ask(treatments=['ohem'])).run()
    found = json.loads(Path('out/bench.json').read_text())
    assert found['verdict']['sentence'] in report.read_text()
    notes = [
        f'The {what} could not be shown: the disk is full'
        for what in ('photos', 'generated pairs')
    ]
    assert found['notes'][-2:] == notes
    assert all(note in capsys.readouterr().err for note in notes[:1])
    assert found['photos'] == found['pairs'] == []


def test_two_processes_do_not_work_in_one_folder(tools):
    Path('out').mkdir()
    held = pytest.raises(ValueError, match='another process is at work in out: wait')
    with locked(Path('out/.bench.lock')), held:
        Bench(ask()).run()
    assert not tools.ran


def test_the_time_before_it_was_interrupted_counts(tools, known):
    tools.killed_at = 7
    with pytest.raises(KeyboardInterrupt):
        Bench(ask()).run()
    path = Path('out/seconds.json')
    assert json.loads(path.read_text()) > 0
    path.write_text('6000')
    tools.killed_at = None
    Bench(ask()).run()
    assert 100 <= json.loads(Path('out/bench.json').read_text())['minutes'] < 110
