"""The matrix of methods and seeds: what is run, resumed, skipped and reported."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from mmseg_ganaug.evaluation.photo_counts import counts_content, read_counts
from mmseg_ganaug.experiments import runner
from mmseg_ganaug.experiments.comparison import MethodComparison
from mmseg_ganaug.experiments.runner import Cell, ToolError
from mmseg_ganaug.in_the_way import InTheWayError

CONFIG = """
real = dict(
    type='BaseSegDataset',
    data_root='{root}',
    data_prefix=dict(img_path='img', seg_map_path='ann'),
    img_suffix='.png',
    metainfo=dict(classes=['road', 'pole'], palette=[[0, 0, 0], [9, 9, 9]]),
    pipeline=[],
)
train_dataloader = dict(dataset={dataset})
val_dataloader = dict(dataset=real)
test_dataloader = dict(dataset=real)
test_evaluator = dict(type='mmseg_ganaug.ClassIoUMetric')
train_cfg = dict(max_iters=10)
default_hooks = dict(
    checkpoint=dict(type='CheckpointHook', by_epoch=False),
    logger=dict(type='LoggerHook', log_metric_by_epoch=False),
)
optim_wrapper = dict(optimizer=dict(lr=0.1))
"""
LR = 'optim_wrapper.optimizer.lr'
GENERATED = (
    "dict(type='ConcatDataset', datasets=[real, "
    "dict(type='GANRecomposeDataset', source=real)])"
)


@pytest.fixture
def matrix(tmp_path):
    for folder in ('img', 'ann'):
        (tmp_path / folder).mkdir()
        for index in range(8):
            image = np.zeros((4, 4) + (3,) * (folder == 'img'), np.uint8)
            cv2.imwrite(str(tmp_path / folder / f'{index}.png'), image)
    for name, dataset in (('plain', 'real'), ('recon', GENERATED)):
        text = CONFIG.format(root=tmp_path, dataset=dataset)
        (tmp_path / f'{name}.py').write_text(text)
    path = tmp_path / 'matrix.py'
    path.write_text(
        "protocol = 'toy'\nseeds = [0, 1]\n"
        f"methods = dict(plain='{tmp_path}/plain.py',"
        f" recon=dict(config='{tmp_path}/recon.py', cfg_options={{{LR!r}: 0.2}}))\n"
    )
    return path


@pytest.fixture
def tools(monkeypatch):
    """Stands in for the tools: notes what is run; 'train.py' may be told to fail."""
    calls = []

    def run_tool(title, tool, arguments, log):
        name = Path(tool).name
        config = Config.fromfile(arguments[0])
        calls.append((name, config))
        run_tool.arguments = arguments
        if name == 'train.py':
            assert Path(config.work_dir).is_dir()
        if run_tool.failing in (name, f'{name} {Path(arguments[0]).stem}'):
            raise ToolError('a long output\n\nValueError: the reason\n')
        if name == 'train.py':
            weights = Path(config.work_dir) / f'iter_{config.train_cfg.max_iters}.pth'
            weights.write_bytes(b'trained')
            (weights.parent / 'last_checkpoint').write_text(str(weights))
        if name == 'test.py':
            gain = 0.0 if 'plain' in config.work_dir else 2.0
            folder = Path(arguments[-1]) / 'now'
            folder.mkdir(parents=True)
            figures = {'mIoU': 50 + gain, 'aAcc': 80.0, 'IoU.road': 90.0}
            figures['IoU.pole'] = 10.0 + 2 * gain + config.randomness.seed
            (folder / 'now.json').write_text(json.dumps(figures))
            if run_tool.counts is not None:
                path = Path(arguments[arguments.index('--photo-counts') + 1])
                path.write_text(counts_content(run_tool.counts(gain, config)))
        return 1.0

    run_tool.failing = None
    run_tool.counts = None
    run_tool.calls = calls
    monkeypatch.setattr(runner, 'run_tool', run_tool)
    return run_tool


def make(matrix, tmp_path, **options):
    return MethodComparison(matrix, tmp_path / 'work', tmp_path / 'results', **options)


def add(matrix, *lines):
    with open(matrix, 'a') as file:
        file.write('\n'.join([*lines, '']))


def fitting_counts(gain, config):
    """Two photos, with the figures that the stand-in of test.py gives."""
    pole = 10 + 2 * int(gain) + config.randomness.seed
    return np.array([[[45, 50, 45], [pole, 50, 30]], [[45, 50, 45], [0, 50, 20]]])


def saved_runs(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def names(tools):
    return [name for name, _ in tools.calls]


def test_every_cell_is_generated_trained_and_tested_once(matrix, tools, tmp_path):
    comparison = make(matrix, tmp_path)
    for cell in comparison.cells():
        comparison.run(cell)
    assert names(tools) == ['train.py', 'test.py', 'synthesize.py'] + [
        'train.py',
        'test.py',
    ] * 2 + ['synthesize.py', 'train.py', 'test.py']
    assert [config.randomness.seed for _, config in tools.calls] == [0] * 5 + [1] * 5
    generated = tools.calls[-1][1].train_dataloader.dataset.datasets[1]
    assert generated.seed == 1
    assert tools.calls[-1][1].optim_wrapper.optimizer.lr == 0.2
    runs = saved_runs(tmp_path / 'results/toy.jsonl')
    assert [(run['method'], run['seed']) for run in runs] == [
        *(('plain', 0), ('plain', 1), ('recon', 0), ('recon', 1))
    ]
    saved = runs[-1]
    assert saved['mIoU'] == 52.0
    assert {'config_hash', 'versions', 'device', 'seconds'} <= set(saved)

    tools.calls.clear()
    again = make(matrix, tmp_path)
    for cell in again.cells():
        again.run(cell)
    assert tools.calls == []


def test_an_interrupted_training_is_resumed_and_a_finished_one_only_tested(
    matrix, tools, tmp_path, capsys
):
    comparison = make(matrix, tmp_path)
    cell = Cell('plain', 0)
    tools.failing = 'train.py'
    with pytest.raises(ToolError):
        comparison.run(cell)
    kept = tmp_path / 'work/compare-toy/plain/seed0/iter_5.pth'
    kept.write_bytes(b'half way')
    tools.failing = 'test.py'
    with pytest.raises(ToolError):
        comparison.run(cell)
    assert kept.exists()
    tools.failing = None
    tools.calls.clear()
    comparison.run(cell)
    assert names(tools) == ['test.py']
    assert 'plain, seed 0: train: done before' in capsys.readouterr().out


def test_a_changed_config_is_trained_again_and_the_old_one_kept(
    matrix, tools, tmp_path, capsys
):
    make(matrix, tmp_path).run(Cell('plain', 0))
    folder = tmp_path / 'work/compare-toy/plain'
    (folder / 'seed0/iter_10.pth').write_bytes(b'old')
    with open(tmp_path / 'plain.py', 'a') as file:
        file.write('optim_wrapper = dict(optimizer=dict(lr=0.3))\n')
    tools.calls.clear()
    changed = make(matrix, tmp_path)
    assert changed.results() == []
    changed.run(Cell('plain', 0))
    assert names(tools) == ['train.py', 'test.py']
    (kept,) = folder.glob('seed0.before-*')
    assert (kept / 'iter_10.pth').read_bytes() == b'old'
    assert (folder / 'seed0/iter_10.pth').read_bytes() == b'trained'
    assert f'the config or the data changed: what was there is kept as {kept}' in (
        capsys.readouterr().out
    )


def test_trained_weights_are_evaluated_on_other_data(matrix, tools, tmp_path, capsys):
    other = tmp_path / 'other.py'
    other.write_text(
        f"_base_ = '{matrix}'\nprotocol = 'toy-elsewhere'\ntrained_as = 'toy'\n"
        "test_options = {'test_dataloader': {'batch_size': 7}}\n"
    )
    trained, cell = Cell('plain', 1), Cell('plain', 0)
    make(matrix, tmp_path).run(trained)
    weights = tmp_path / 'work/compare-toy/plain/seed1/iter_10.pth'
    weights.parent.mkdir(parents=True, exist_ok=True)
    weights.write_bytes(b'trained')
    tools.calls.clear()

    elsewhere = make(other, tmp_path)
    assert elsewhere.run(cell) is None
    assert 'plain, seed 0: not trained as toy, left out' in capsys.readouterr().out
    found = elsewhere.run(trained)
    assert names(tools) == ['test.py']
    assert tools.calls[0][1].test_dataloader.batch_size == 7
    assert tools.arguments[1] == str(weights)
    assert found.protocol == 'toy-elsewhere'
    saved = tmp_path / 'results/toy-elsewhere.jsonl'
    assert [run['mIoU'] for run in saved_runs(saved)] == [50.0]
    assert elsewhere.run(trained) == found
    assert names(tools) == ['test.py']
    # What was trained by another config since is not evaluated as if it were this one.
    saved.unlink()
    config = tmp_path / 'plain.py'
    config.write_text(config.read_text().replace('lr=0.1', 'lr=0.3'))
    assert make(other, tmp_path).run(trained) is None


def test_finished_trainings_are_evaluated_on_other_data_by_an_option(
    matrix, tools, tmp_path
):
    trained, cell = Cell('plain', 1), Cell('plain', 0)
    make(matrix, tmp_path).run(trained)
    tools.calls.clear()
    options = {'test_dataloader.batch_size': 7}
    elsewhere = make(matrix, tmp_path, protocol='toy-untouched', evaluate_on=options)
    assert elsewhere.run(cell) is None
    with pytest.raises(ValueError, match='without --report-only, once toy is trained'):
        elsewhere.report()
    assert elsewhere.run(trained).protocol == 'toy-untouched'
    assert names(tools) == ['test.py']
    assert tools.calls[0][1].test_dataloader.batch_size == 7
    weights = tmp_path / 'work/compare-toy/plain/seed1/iter_10.pth'
    assert tools.arguments[1] == str(weights)
    # What the matrix itself evaluates on otherwise stays.
    add(matrix, "test_options = {'test_dataloader.num_workers': 3}")
    again = make(matrix, tmp_path, protocol='toy-untouched', evaluate_on=options)
    loader = again.test_config(trained).test_dataloader
    assert (loader.batch_size, loader.num_workers) == (7, 3)
    add(matrix, "protocol, trained_as = 'toy-other', 'toy'")
    for name in (None, 'toy', 'toy-other'):
        with pytest.raises(ValueError, match='needs a protocol of its own'):
            make(matrix, tmp_path, protocol=name, evaluate_on=options)


def test_weights_of_another_config_are_not_evaluated_elsewhere(matrix, tools, tmp_path):
    cell, config = Cell('plain', 0), tmp_path / 'plain.py'
    text = config.read_text()
    make(matrix, tmp_path).run(cell)
    config.write_text(text.replace('lr=0.1', 'lr=0.3'))
    # Its result stays that of the config before.
    tools.failing = 'test.py'
    assert make(matrix, tmp_path).attempt(cell) is None
    tools.failing = None
    options = {'test_dataloader.batch_size': 7}
    for values, is_there in ((text, False), (config.read_text(), True)):
        config.write_text(values)
        elsewhere = make(matrix, tmp_path, protocol='toy-2', evaluate_on=options)
        assert (elsewhere.run(cell) is not None) == is_there


def test_trainings_with_options_of_the_test_are_evaluated_elsewhere(
    matrix, tools, tmp_path
):
    add(matrix, "test_options = {'test_dataloader.num_workers': 3}")
    make(matrix, tmp_path).run(Cell('plain', 0))
    options = {'test_dataloader.batch_size': 7}
    elsewhere = make(matrix, tmp_path, protocol='toy-2', evaluate_on=options)
    assert elsewhere.run(Cell('plain', 0)) is not None


def test_the_counts_of_the_photos_are_kept_beside_the_results(matrix, tools, tmp_path):
    tools.counts = fitting_counts
    comparison = make(matrix, tmp_path)
    for cell in comparison.cells():
        comparison.run(cell)
    kept = tmp_path / 'results/toy/recon-seed1.csv'
    assert read_counts(kept)[:, 1, 0].tolist() == [15, 0]
    assert all(run.counts is not None for run in comparison.results())
    comparison.report()
    text = (tmp_path / 'results/toy/results.md').read_text()
    assert 'bootstrap' in text
    assert '+4.00 (+0.00 to +8.00)' in text  # pole
    kept.unlink()
    comparison.report()
    text = (tmp_path / 'results/toy/results.md').read_text()
    assert 'recon-seed1.csv' in text
    assert '+4.00 ± 0.00 *' in text


def test_a_file_of_the_user_in_place_of_counts_is_named(matrix, tools, tmp_path):
    mine = tmp_path / 'results/toy/recon-seed1.csv'
    mine.parent.mkdir(parents=True)
    mine.write_text('precious')
    comparison = make(matrix, tmp_path)
    with pytest.raises(InTheWayError) as caught:
        comparison.check_free(comparison.cells())
    assert caught.value.paths == [mine]


def test_a_finished_run_keeps_its_learning_curve(matrix, tools, tmp_path):
    folder = tmp_path / 'work/compare-toy/plain/seed0'
    comparison = make(matrix, tmp_path)
    tools.failing = 'test.py'
    with pytest.raises(ToolError):
        comparison.run(Cell('plain', 0))
    tools.failing = None
    scalars = folder / '20260101_000000/vis_data/scalars.json'
    scalars.parent.mkdir(parents=True)
    scalars.write_text(
        ''.join(
            json.dumps({'mIoU': 10.0 * step, 'IoU.road': 1.0, 'step': step}) + '\n'
            for step in (1, 2)
        )
    )
    for cell in comparison.cells(seeds=[0]):
        comparison.run(cell)
    plain, recon = saved_runs(tmp_path / 'results/toy.jsonl')
    assert plain['curve'] == [[1, 10.0, {'road': 1.0}], [2, 20.0, {'road': 1.0}]]
    assert (plain['iterations'], 'curve' in recon) == (10, False)
    files = comparison.report()
    assert 'learning_curves.png' in {path.name for path in files}
    # Elsewhere nothing was trained, so there is no curve.
    options = {'test_dataloader.batch_size': 7}
    elsewhere = make(matrix, tmp_path, protocol='toy-2', evaluate_on=options)
    assert 'curve' not in elsewhere.run(Cell('plain', 0)).extra


@pytest.mark.parametrize('name', ['checkpoint', 'logger'])
def test_what_counts_epochs_is_a_fault_of_the_config(name, matrix, tools, tmp_path):
    """MMEngine counts epochs where a config says nothing of a hook."""
    with open(tmp_path / 'recon.py', 'a') as file:
        file.write(f'del default_hooks[{name!r}]\n')
    comparison = make(matrix, tmp_path)
    assert comparison.attempt(Cell('recon', 0)) is None
    assert f'default_hooks.{name} of' in comparison.failures['recon'][0]
    assert comparison.attempt(Cell('plain', 0)) is not None


@pytest.mark.parametrize(
    ('options', 'is_fault'),
    [
        ({'iou_metrics': ['mDice']}, True),
        ({'prefix': 'test'}, True),
        ({'iou_metrics': ['mIoU', 'mDice'], 'prefix': None}, False),
    ],
)
def test_what_does_not_measure_miou_is_a_fault_before_it_is_trained(
    matrix, tools, tmp_path, options, is_fault
):
    with open(tmp_path / 'plain.py', 'a') as file:
        file.write(f'test_evaluator.update({options})\n')
    comparison = make(matrix, tmp_path)
    assert ('plain' not in comparison.methods) == is_fault
    if is_fault:
        assert comparison.attempt(Cell('plain', 0)) is None
        assert 'compared by mIoU' in comparison.failures['plain'][0]


def test_data_to_test_on_may_be_joined(matrix, tools, tmp_path):
    with open(tmp_path / 'plain.py', 'a') as file:
        joined = "dict(type='ConcatDataset', datasets=[real, real])"
        file.write(f'test_dataloader = dict(dataset={joined})\n')
    assert make(matrix, tmp_path).attempt(Cell('plain', 0)).mIoU == 50


def test_what_a_config_says_of_randomness_stays_but_for_the_seed(matrix, tmp_path):
    with open(tmp_path / 'plain.py', 'a') as file:
        file.write('randomness = dict(seed=7, deterministic=True)\n')
    comparison = make(matrix, tmp_path)
    found = comparison.test_config(Cell('plain', 1)).randomness
    assert found == dict(seed=1, deterministic=True)
    assert comparison.test_config(Cell('recon', 1)).randomness == dict(seed=1)


def test_two_processes_share_a_matrix(matrix, tools, tmp_path, capsys, monkeypatch):
    first, second, third = Cell('plain', 0), Cell('plain', 1), Cell('recon', 0)
    comparison, other = make(matrix, tmp_path), make(matrix, tmp_path)
    tool, asked = runner.run_tool, []

    def run_tool(*arguments):
        monkeypatch.setattr(runner, 'run_tool', tool)
        asked.extend([other.run(first), other.run(second)])
        return tool(*arguments)

    monkeypatch.setattr(runner, 'run_tool', run_tool)
    assert comparison.run(first).mIoU == 50
    assert asked[0] is None
    assert asked[1].mIoU == 50
    assert 'plain, seed 0: another process runs it, left out' in capsys.readouterr().out
    assert names(tools) == ['train.py', 'test.py'] * 2
    assert comparison.run(second) == asked[1]
    # Also after a failure.
    tools.failing = 'train.py'
    assert comparison.attempt(third) is None
    tools.failing = None
    assert other.run(third).mIoU == 52


@pytest.mark.parametrize('names', ["'road', 'sky'", "'pole', 'road'"])
def test_other_classes_are_a_fault_of_the_method(matrix, tools, tmp_path, names):
    text = (tmp_path / 'plain.py').read_text()
    (tmp_path / 'other.py').write_text(text.replace("'road', 'pole'", names))
    add(matrix, f"methods['other'] = '{tmp_path}/other.py'", "doubled = ['other']")
    comparison = make(matrix, tmp_path)
    for cell in comparison.cells():
        comparison.attempt(cell)
    assert set(comparison.failures) == {'other', 'other-doubled'}
    assert 'cannot be compared' in comparison.failures['other'][0]
    assert [name for name, _ in tools.calls].count('train.py') == 4
    assert comparison.report()


def test_doubled_methods_are_trained_twice_as_long(matrix, tools, tmp_path):
    schedule = "[dict(type='PolyLR', begin=2, end=10), dict(type='Other')]"
    with open(tmp_path / 'recon.py', 'a') as file:
        file.write(f'param_scheduler = {schedule}\ntrain_cfg["val_interval"] = 5\n')
    add(matrix, "doubled = ['recon']", "ladder = ['plain', 'recon', 'recon-doubled']")
    comparison = make(matrix, tmp_path)
    assert Cell('recon-doubled', 1) in comparison.cells()
    longer = comparison.methods['recon-doubled']
    assert longer.train_cfg == dict(max_iters=20, val_interval=5)
    poly, other = longer.param_scheduler
    assert (poly.begin, poly.end, 'end' in other) == (4, 20, False)
    assert comparison.methods['recon'].train_cfg.max_iters == 10
    assert comparison.methods['recon'].param_scheduler[0].end == 10
    for cell in comparison.cells():
        comparison.run(cell)
    comparison.report()
    saved = saved_runs(tmp_path / 'results/toy.jsonl')[-1]
    assert saved['method'] == 'recon-doubled'
    assert saved['twice_as_long_as'] == 'recon'
    assert saved['iterations'] == 20
    text = (tmp_path / 'results/toy/results.md').read_text()
    assert '| recon | 10 | 52.00 ± 0.00 | 52.00 ± 0.00 | +0.00 ± 0.00 | yes |' in text


def test_a_method_that_cannot_be_trained_cannot_be_doubled_either(matrix, tmp_path):
    (tmp_path / 'recon.py').unlink()
    add(matrix, "doubled = ['recon']")
    comparison = make(matrix, tmp_path)
    assert list(comparison.methods) == ['plain']
    for name in ('recon', 'recon-doubled'):
        assert comparison.attempt(Cell(name, 0)) is None
    assert set(comparison.failures) == {'recon', 'recon-doubled'}


def test_a_stated_double_must_be_twice_as_long(matrix, tmp_path):
    double = f"dict(config='{tmp_path}/recon.py', cfg_options={{'train_cfg': %s}})"
    stated = "methods['long'] = " + double % "{'max_iters': 20}"
    add(matrix, stated, "doubled = {'recon': 'long'}")
    assert 'recon-doubled' not in make(matrix, tmp_path).methods
    add(matrix, "methods['long']['cfg_options']['train_cfg']['max_iters'] = 15")
    with pytest.raises(ValueError, match='trained for 15 and 10 iterations'):
        make(matrix, tmp_path)


def test_the_report_shows_means_and_differences(matrix, tools, tmp_path, capsys):
    comparison = make(matrix, tmp_path)
    with pytest.raises(ValueError, match='no training of toy is finished'):
        comparison.report()
    for cell in comparison.cells():
        comparison.run(cell)
    files = comparison.report()
    assert all(path.is_file() for path in files)
    pictures = {path.name for path in files if path.suffix == '.png'}
    assert pictures == {'gains.png', 'class_iou.png', 'frequency_iou.png'}
    text = (tmp_path / 'results/toy/results.md').read_text()
    assert '52.00' in text
    assert '+4.00 ± 0.00' in text  # pole
    assert 'Differences to the baseline' in capsys.readouterr().out


def test_a_failing_method_stands_in_table_and_report_and_the_others_run(
    matrix, tools, tmp_path, capsys
):
    (tmp_path / 'iou.py').write_text(
        (tmp_path / 'plain.py').read_text().replace('mmseg_ganaug.ClassIoU', 'IoU')
    )
    (tmp_path / 'bare.py').write_text('lr = 1\n')
    (tmp_path / 'broken.py').write_text('lr = (\n')
    wrong = ['iou.py', 'bare.py', 'broken.py', 'missing.py']
    with open(matrix, 'a') as file:
        for name in wrong:
            file.write(f"methods['{name[:-3]}'] = '{tmp_path}/{name}'\n")
        file.write(
            f"methods['options'] = dict(config='{tmp_path}/plain.py', "
            "cfg_options={'train_cfg.max_iters.rate': 1})\n"
        )
    comparison = make(matrix, tmp_path)
    tools.failing = 'train.py recon-seed0'
    cells = comparison.cells()
    assert len(cells) == 14
    for cell in cells:
        comparison.attempt(cell)
    # What cannot be evaluated is known before it is trained.
    trained = [config.work_dir for name, config in tools.calls if name == 'train.py']
    assert {Path(folder).parent.name for folder in trained} == {'plain', 'recon'}
    assert set(comparison.failures) == {
        *('recon', 'iou', 'bare', 'broken', 'missing', 'options')
    }
    assert comparison.failures['recon'] == {0: 'ValueError: the reason'}
    printed = capsys.readouterr().out
    assert 'recon, seed 0: failed: ValueError: the reason' in printed
    files = comparison.report()
    printed = capsys.readouterr().out
    text = (tmp_path / 'results/toy/results.md').read_text()
    report = next(path for path in files if path.name == 'report.html').read_text()
    for shown in (text, ' '.join(printed.split()), report):
        assert 'recon failed (seed 0): ValueError: the reason' in shown
        for name, reason in (
            ('iou', 'test_evaluator is an IoUMetric'),
            ('bare', 'lacks train_dataloader, train_cfg'),
            ('broken', 'cannot be read'),
            ('missing', 'does not exist'),
            ('options', ''),
        ):
            assert f'{name} failed (seed 0, 1): ' in shown
            assert reason in shown
    header, _, row = text.splitlines()[2:5]
    columns = [cell.strip() for cell in header.split('|')]
    cells = [cell.strip() for cell in row.split('|')]
    assert cells[columns.index('bare')] == 'failed'
    assert '52.00' in cells[columns.index('recon')]


def test_a_failing_baseline_does_not_stop_the_others(matrix, tools, tmp_path):
    (tmp_path / 'plain.py').unlink()
    comparison = make(matrix, tmp_path)
    for cell in comparison.cells():
        comparison.attempt(cell)
    comparison.report()
    text = (tmp_path / 'results/toy/results.md').read_text()
    assert '52.00' in text
    assert 'plain failed (seed 0, 1): ' in text


def test_where_all_fail_the_reasons_are_the_error(matrix, tools, tmp_path):
    comparison = make(matrix, tmp_path)
    tools.failing = 'train.py'
    for cell in comparison.cells():
        comparison.attempt(cell)
    with pytest.raises(ValueError, match='plain: ValueError: the reason'):
        comparison.report()


def test_results_go_beside_the_trainings_unless_a_folder_is_given(
    matrix, tools, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    MethodComparison(matrix).run(Cell('plain', 0))
    assert not (tmp_path / 'docs').exists()
    found = tmp_path / 'work_dirs/compare-toy/results/toy.jsonl'
    assert [run['mIoU'] for run in saved_runs(found)] == [50.0]
    other = tmp_path / 'other.py'
    other.write_text(
        f"_base_ = '{matrix}'\nprotocol = 'elsewhere'\ntrained_as = 'toy'\n"
    )
    assert MethodComparison(other).run(Cell('plain', 0)).protocol == 'elsewhere'


def snapshot(folder):
    return {path: path.read_bytes() for path in folder.rglob('*') if path.is_file()}


def test_all_files_of_the_user_are_named_and_nothing_is_begun(matrix, tools, tmp_path):
    names = [
        *('work/compare-toy/report.html', 'work/compare-toy/gains.png'),
        *('work/compare-toy/configs/plain-seed1.py', 'work/compare-toy/logs/mine'),
        *('work/compare-toy/plain/seed0/mine.pth', 'results/toy/results.md'),
        'results/toy.jsonl',
        'results/toy/protocol.json',
    ]
    for name in [*names, 'work/compare-toy/notes.txt', 'results/toy/notes.txt']:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('precious')
    before = snapshot(tmp_path)
    comparison = make(matrix, tmp_path)
    with pytest.raises(InTheWayError) as caught:
        comparison.check_free(comparison.cells())
    in_the_way = {str(path.relative_to(tmp_path)) for path in caught.value.paths}
    folders = {'work/compare-toy/logs', 'work/compare-toy/plain/seed0'}
    assert in_the_way == {n for n in names if str(Path(n).parent) not in folders} | (
        folders
    )
    assert '--work-dir' in str(caught.value) and '--out' in str(caught.value)
    assert snapshot(tmp_path) == before
    assert tools.calls == []


def test_figures_that_were_edited_or_cut_off_are_kept_beside(matrix, tools, tmp_path):
    cell = Cell('plain', 0)
    make(matrix, tmp_path).run(cell)
    path = tmp_path / 'results/toy.jsonl'
    whole = path.read_text()
    for length in (0, 1, len(whole) // 2, len(whole) - 3):
        path.write_text(whole[:length])
        comparison = make(matrix, tmp_path)
        comparison.check_free([cell])
        assert comparison.result(cell) is None
        assert comparison.run(cell).mIoU == 50.0
    kept = sorted(path.parent.glob('toy.jsonl.before-*'))
    assert {file.read_text() for file in kept} == {
        whole[:length] for length in (0, 1, len(whole) // 2, len(whole) - 3)
    }


def test_one_damaged_line_costs_one_run(matrix, tools, tmp_path, capsys):
    comparison = make(matrix, tmp_path)
    for cell in comparison.cells():
        comparison.run(cell)
    path = tmp_path / 'results/toy.jsonl'
    first, *others = path.read_text().splitlines()
    damaged = '\n'.join([first[:40], *others, ''])
    path.write_text(damaged)
    capsys.readouterr()
    again = make(matrix, tmp_path)
    assert len(again.results()) == 3
    assert capsys.readouterr().out.count('toy.jsonl, line 1, is not the result') == 1
    again.run(Cell('plain', 0))
    assert [run['method'] for run in saved_runs(path)] == ['plain'] * 2 + ['recon'] * 2
    (kept,) = path.parent.glob('toy.jsonl.before-*')
    assert kept.read_text() == damaged


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ("seeds = ['0']", 'seeds of .* is a list of whole numbers'),
        ('seeds = [-1]', 'from 0 to'),
        ('seeds = [1, 1]', 'each once'),
        ("protocol = '../up'", 'cannot be the name of a folder'),
        ("methods['a/b'] = 'c.py'", 'cannot be the name of a folder'),
        ("methods['logs'] = 'c.py'", 'call it otherwise'),
        ("methods['wrong'] = 3", "method 'wrong' of .* is 3"),
        ("methods['recon']['cfg_option'] = {}", "'recon' of .* with no other keys"),
        ("methods['recon']['cfg_options'] = ['lr']", "method 'recon' of .* is"),
        ("test_options = 'all'", "test_options of .* is 'all', but is a dict"),
        ("generator = 'low.py'", "generator of .* is 'low.py', but is a dict"),
        ('methods = [1]', 'gives a config for each name'),
        ('train_every = 0', 'train_every of .* is 0'),
        ("rare = ['pole', 'sky']", r"rare names \['sky'\]; the classes are"),
        ("ladder = ['plain', 'sky']", 'ladder of .* lists some of plain, recon'),
    ],
)
def test_wrong_values_of_a_matrix_are_named(matrix, tmp_path, change, message):
    with open(matrix, 'a') as file:
        file.write(f'{change}\n')
    with pytest.raises(ValueError, match=message):
        make(matrix, tmp_path)


def test_pieces_of_the_matrix_can_be_chosen(matrix, tools, tmp_path):
    comparison = make(matrix, tmp_path)
    assert comparison.cells(['recon'], [1]) == [Cell('recon', 1)]
    with pytest.raises(ValueError, match='nothing'):
        comparison.cells(['nothing'])


def test_a_matrix_that_lacks_something_is_refused(tmp_path):
    path = tmp_path / 'matrix.yaml'
    path.write_text('protocol: toy\nseeds: [0]\n')
    with pytest.raises(ValueError, match='lacks methods'):
        MethodComparison(path)


def test_a_matrix_without_its_baseline_is_refused(matrix, tmp_path):
    matrix.write_text(matrix.read_text().replace('dict(plain=', 'dict(real='))
    with pytest.raises(ValueError, match="no method 'plain': call the one"):
        make(matrix, tmp_path)


def test_class_shares_are_those_of_the_baseline_wherever_it_stands(matrix, tmp_path):
    # Only real samples, of which half are all of the second class, and none of these
    # in the other method.
    for index in range(0, 8, 2):
        ones = np.ones((4, 4), np.uint8)
        cv2.imwrite(str(tmp_path / 'ann' / f'{index}.png'), ones)
    text = (tmp_path / 'plain.py').read_text()
    odd = text.replace('pipeline=[]', 'pipeline=[], indices=[1, 3, 5, 7]')
    (tmp_path / 'recon.py').write_text(odd)
    matrix.write_text(
        "protocol = 'toy'\nseeds = [0]\n"
        f"methods = dict(odd='{tmp_path}/recon.py', plain='{tmp_path}/plain.py')\n"
    )
    statistics = make(matrix, tmp_path).statistics()
    assert statistics.class_names == ['road', 'pole']
    assert statistics.frequency.tolist() == [0.5, 0.5]


def test_joined_and_repeated_sources_are_thinned_too(matrix, tmp_path):
    joined = (
        "dict(type='ConcatDataset', datasets=[real, dict(type='GANRecomposeDataset', "
        "source=dict(type='ConcatDataset', datasets=[dict(type='RepeatDataset', "
        'times=3, dataset=real), real]))])'
    )
    (tmp_path / 'recon.py').write_text(CONFIG.format(root=tmp_path, dataset=joined))
    with open(matrix, 'a') as file:
        file.write('train_every = 2\n')
    dataset = make(matrix, tmp_path).methods['recon'].train_dataloader.dataset
    source = dataset.datasets[1].source
    assert 'indices' not in source and 'indices' not in source.datasets[0]
    thinned = [dataset.datasets[0], source.datasets[0].dataset, source.datasets[1]]
    assert [part.indices for part in thinned] == [[0, 2, 4, 6]] * 3


def test_a_low_label_matrix_thins_all_real_samples_and_changes_the_generator(
    matrix, tmp_path
):
    with open(matrix, 'a') as file:
        file.write("train_every = 2\ngenerator = dict(config='low.py')\n")
    plain, recon = make(matrix, tmp_path).methods.values()
    assert plain.train_dataloader.dataset.indices == [0, 2, 4, 6]
    real, generated = recon.train_dataloader.dataset.datasets
    assert real.indices == generated.source.indices == [0, 2, 4, 6]
    assert generated.generator == dict(config='low.py')
    assert 'indices' not in recon.val_dataloader.dataset
