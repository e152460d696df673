"""All commands: their options, and how quickly they answer."""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

from mmseg_ganaug.commands import (
    COMMANDS,
    Formatter,
    main,
    module_of,
    parser_of,
    run_command,
)

ROOT = Path(__file__).resolve().parents[2]
PARSERS = {name: parser_of(name) for name in COMMANDS}
#: What an option means, wherever it stands.
ONE_NAME = {
    '--out': 'what is written',
    '--work-dir': 'folder of results that a command goes on with',
    '--seed': 'seed',
    '--jobs': 'processes',
    '--yes': 'without asking',
    '--cfg-options': 'KEY=VALUE',
    '--cache-dir': 'folder of statistics and samples',
    '--size': 'width and height',
}
#: Other names of the same things.
OTHER_NAMES = {
    *('--output', '--output-dir', '--out-dir', '--sheet', '--num-workers', '--workers'),
    *('--num-jobs', '--force', '--options', '--workdir', '--random-seed', '--cache'),
    *('--results', '--iterations', '--num-iters', '--shape', '--scale'),
}
# Modules that take seconds to import.
HEAVY = ('torch', 'mmcv', 'mmseg', 'mmagic', 'matplotlib', 'scipy', 'pandas')


def actions(name):
    return [a for a in PARSERS[name]._actions if a.help is not argparse.SUPPRESS]


@pytest.mark.parametrize('name', COMMANDS)
def test_every_option_is_described_with_its_default(name):
    text = PARSERS[name].format_help()
    for action in actions(name):
        assert action.help, action.dest
        # In one form; no default of another kind is hidden in a sentence.
        if re.search(r'\bdefault', action.help):
            assert re.search(r'\(default: .*\S\)', action.help), action.dest
        default = action.default
        if default is None or default is argparse.SUPPRESS:
            continue
        if isinstance(default, bool):
            continue
        if action.option_strings:
            shown = Formatter('x')._get_help_string(action) % vars(action)
            assert 'default' in shown, action.dest
            assert str(default) in shown, action.dest
    assert text.startswith(f'usage: ganaug {name}')


@pytest.mark.parametrize('name', COMMANDS)
def test_options_have_one_name_in_all_commands(name):
    flags = {flag: a for a in actions(name) for flag in a.option_strings}
    assert not OTHER_NAMES & set(flags)
    if '--size' in flags:
        assert flags['--size'].metavar == ('W', 'H')
        assert flags['--size'].help.startswith('width and height ')
    if '--cfg-options' in flags:
        assert flags['--cfg-options'].metavar == 'KEY=VALUE'
    for flag in ('--seed', '--jobs'):
        assert flag not in flags or flags[flag].type is int


def test_an_option_means_the_same_in_each_command():
    kinds = {}
    for name in COMMANDS:
        for action in actions(name):
            for flag in action.option_strings:
                kind = (action.type, action.nargs in (0, None), type(action))
                kinds.setdefault(flag, {}).setdefault(kind, []).append(name)
    mixed = {flag: found for flag, found in kinds.items() if len(found) > 1}
    assert not mixed
    assert set(ONE_NAME) <= set(kinds)


@pytest.mark.parametrize('name', COMMANDS)
def test_each_command_says_how_to_go_on(name):
    module = module_of(name)
    assert callable(module.run)
    assert module.__doc__


def test_an_interrupted_training_goes_on_with_resume():
    again = module_of('train').again
    assert again(['x.py', '--amp']) == ['x.py', '--amp', '--resume']
    assert again(['x.py', '--resume']) == ['x.py', '--resume']


def test_predictions_and_counts_go_to_the_metrics_that_write_them():
    test = module_of('test')
    names = 'IoUMetric', 'mmseg_ganaug.ClassIoUMetric', 'CityscapesMetric', 'X'
    iou, classes, cityscapes, fps = (dict(type=name) for name in names)
    several = Config(dict(test_evaluator=[iou, classes, cityscapes, fps]))
    test.write_predictions(several, 'out')
    test.count_photos(several, 'counts.csv')
    # MMSeg's metric removes the folder where it is not told to keep it.
    assert several.test_evaluator == [
        dict(iou, output_dir='out'),
        dict(classes, output_dir='out', photo_counts='counts.csv'),
        dict(cityscapes, output_dir='out', keep_results=True),
        fps,
    ]
    for evaluator in (iou, [fps]):
        with pytest.raises(SystemExit, match='--photo-counts needs a ClassIoUMetric'):
            test.count_photos(Config(dict(test_evaluator=evaluator)), 'counts.csv')
    with pytest.raises(SystemExit, match='--out needs a metric'):
        test.write_predictions(Config(dict(test_evaluator=[fps])), 'out')


@pytest.mark.parametrize(
    ('arguments', 'code', 'text'),
    [
        (['--help'], 0, 'browse-recomposed'),
        (['--version'], 0, '.'),
        (['brew'], 2, "invalid choice: 'brew'"),
        ([], 2, 'COMMAND'),
        (['apply', 'x.py'], 2, 'required: --treatment'),
        (['bench', 'x.py', '--images=a', '--masks=b'], 2, 'a config, or --images'),
        (['bench', '--images=a'], 2, 'need each other'),
        (['synthesize', 'x.py', '--dry-run', '--prune'], 2, '--dry-run goes without'),
        (['distribution', 'x.py', '--formula=rare'], 2, '--formula needs'),
        (['compare', 'x.yaml', '--protocol=p'], 2, 'need each other'),
        (['prepare', '--images=a'], 2, 'needs --images and --masks'),
        (
            ['prepare', '--images=a', '--masks=b', '--work-dir=~/c'],
            2,
            f'{Path.home()}/c',
        ),
        (['convert-dataset', 'camvid', 'a', '~'], 2, 'replaced the ~'),
        (['synthesize', 'x.py', '--dry'], 2, 'unrecognized arguments: --dry'),
        (['apply', 'none.py', '--treatment=ohem'], 1, 'none.py does not exist'),
        *(
            ([name, 'configs/_base_/default_runtime.py'], 1, 'has no train_dataloader.')
            for name in ('distribution', 'browse', 'browse-recomposed', 'synthesize')
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_exit_code(capsys, arguments, code, text):
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    found = raised.value.code
    if isinstance(found, str):  # Python prints it, and ends with 1.
        found = 1
    assert found == code
    assert text in f'{raised.value.code}{"".join(capsys.readouterr())}'


# Imports that take seconds would be seen in these.
LIST_IMPORTS = """
import sys
from mmseg_ganaug.commands import COMMANDS, main
for name in COMMANDS:
    for arguments in ([name, '--help'], [name, '--no-such-option']):
        try:
            main(arguments)
        except SystemExit as error:
            print(f'exit {error.code}', file=sys.stderr)
found = [name for name in sys.argv[1:] if name in sys.modules]
print('imported', found, file=sys.stderr)
"""


def test_help_and_wrong_arguments_import_nothing_that_takes_long():
    result = subprocess.run(
        [sys.executable, '-c', LIST_IMPORTS, *HEAVY],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    lines = result.stderr.splitlines()
    assert lines.count('exit 0') == lines.count('exit 2') == len(COMMANDS)
    assert lines[-1] == 'imported []'


def test_what_stands_for_a_slow_import_is_the_same():
    from mmseg_ganaug.bench.treatments import TREATMENTS
    from mmseg_ganaug.datasets.sample_prompts import TEMPLATE

    assert module_of('export-plan').TEMPLATE == TEMPLATE
    words = parser_of('apply').format_help().replace(',', ' ').split()
    assert set(TREATMENTS) - {'plain'} <= set(words)


TOOLS = [
    path
    for path in sorted(ROOT.glob('tools/**/*.py'))
    if 'mmseg_ganaug.commands' in path.read_text()
]


def test_tools_are_doors_of_all_commands_that_had_one():
    named = {path.read_text().split("tool('")[1].split("')")[0] for path in TOOLS}
    assert len(named) == len(TOOLS) >= 12
    assert named <= set(COMMANDS)


def test_a_command_is_shown_for_each_tool_that_is_run():
    from mmseg_ganaug.config_search import shown_command

    for path in TOOLS:
        name = path.read_text().split("tool('")[1].split("')")[0]
        if name in ('train', 'test', 'synthesize', 'distribution', 'toy-streets'):
            tool = path.relative_to(ROOT)
            assert shown_command(str(tool), ['a b']) == f"ganaug {name} 'a b'"


def test_nothing_in_the_wheel_names_a_command_of_the_checkout():
    # Files of tools/ and docs/ are not where a wheel is used.
    paths = [*ROOT.glob('mmseg_ganaug/**/*.py'), *ROOT.glob('configs/**/*.py')]
    for path in paths:
        text = path.read_text(encoding='utf-8')
        assert not re.search(r'python (\S*/)?tools/|requirements/\w+\.txt', text), path


def test_a_tool_names_itself_in_its_help(tmp_path):
    result = subprocess.run(
        [sys.executable, ROOT / 'tools' / 'synthesize.py', '--help'],
        cwd=tmp_path,
        env={'PYTHONPATH': str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0
    assert result.stdout.startswith(f'usage: python {ROOT}/tools/synthesize.py')
    assert not result.stderr


def test_the_package_is_a_command(tmp_path):
    result = subprocess.run(
        [sys.executable, '-m', 'mmseg_ganaug', '--version'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.stdout.strip() == '0.1.0'


def test_a_backend_of_jupyter_is_not_handed_on(monkeypatch, tmp_path):
    # Of a notebook whose environment is another one.
    monkeypatch.setenv('MPLBACKEND', 'module://no_such_package.backend_inline')
    out = tmp_path / 'toy'
    size = ['--num-train', '1', '--num-val', '1', '--size', '32', '32']
    run_command('toy-streets', [str(out), *size])
    assert 'MPLBACKEND' not in os.environ
