"""What the documents tell the reader to type exists, fits, and leads somewhere."""

import re
import runpy
import sys
from pathlib import Path

import pytest
from documents import (
    ROOT,
    Document,
    accepted_arguments,
    commands,
    is_placeholder,
    module_path,
    parse_python,
    parser_of,
    parser_of_command,
    string_literals,
    typed_dicts,
)

from mmseg_ganaug.commands import COMMANDS

PATTERNS = (
    '*.md',
    'docs/*.md',
    'configs/*/README.md',
    'experiments/*.md',
    'tools/**/README.md',
)
DOCUMENTS = [Document(p) for pattern in PATTERNS for p in sorted(ROOT.glob(pattern))]
BLOCKS = [block for document in DOCUMENTS for block in document.blocks]
SHELL = [block for block in BLOCKS if block.language in ('shell', 'bash')]
PYTHON = [block for block in BLOCKS if block.language == 'python']
CONFIGS = {path.stem for path in ROOT.glob('configs/*/*.py')}

# The words of a wrapper's command line that its tool is not given.
WRAPPERS = {
    'tools/dist_train.sh': ('tools/train.py', [1]),
    'tools/dist_test.sh': ('tools/test.py', [2]),
    'tools/slurm_train.sh': ('tools/train.py', [0, 1]),
    'tools/slurm_test.sh': ('tools/test.py', [0, 1]),
}
OF_THE_SYSTEM = {'cd', 'git', 'ln', 'source', 'wait'}

# What is run, at a size that takes a moment: tool -> options that shorten it.
TOY_SIZE = ['--num-train', '8', '--num-val', '2', '--size', '128', '64']
RUN = {
    'tools/dataset_converters/toy_streets.py': TOY_SIZE,
    'tools/analysis_tools/label_distribution.py': ['--jobs', '0'],
    'tools/analysis_tools/browse_recomposed.py': ['--num-samples', '2'],
    'tools/analysis_tools/browse_dataset.py': ['--num-samples', '2'],
}


def by_name(item):
    return getattr(item, 'name', str(item))


def check_path(word):
    """A file of this repository, or one that a run leaves, if it looks like one."""
    if is_placeholder(word):
        return
    if re.match(r'(configs|tools|tests|requirements|benchmarks|docs)/', word):
        assert (ROOT / word).exists(), f'there is no {word}'
    run = re.match(r'work_dirs/((?:pix2pixhd|pspnet)_[^/]+)', word)
    assert not run or run[1] in CONFIGS, f'no config leaves {word}'


def check_tool(path, arguments):
    assert (ROOT / path).is_file(), f'there is no {path}'
    parser = parser_of(ROOT / path)
    if parser:
        parser.parse_args(arguments)


def check_command(words):
    for word in words:
        check_path(word)
    program, arguments = words[0], words[1:]
    if program.startswith('--'):
        check_tool('tools/train.py', ['CONFIG', *words])
    elif program == 'ganaug':
        check_ganaug(*arguments)
    elif program in WRAPPERS:
        tool, left_out = WRAPPERS[program]
        check_tool(tool, [a for i, a in enumerate(arguments) if i not in left_out])
    elif program == 'make':
        targets = re.findall(r'^(\w+):', (ROOT / 'Makefile').read_text(), re.MULTILINE)
        assert arguments[0] in targets
    elif program.split('/')[-1] in ('python', 'pip', 'pytest', 'ruff'):
        if arguments[0] == '-m':
            check_module(*arguments[1:])
        elif arguments[0].endswith('.py'):
            check_tool(arguments[0], arguments[1:])
    else:
        assert program in OF_THE_SYSTEM, f'what is {program}?'


def check_ganaug(name, *arguments):
    assert name in COMMANDS, f'there is no command {name}'
    parser_of_command(name).parse_args(arguments)


def check_module(module, *arguments):
    if module == 'torch.distributed.run':
        at = next(i for i, word in enumerate(arguments) if word.endswith('.py'))
        check_tool(arguments[at], arguments[at + 1 :])
    elif module == 'mmseg_ganaug':
        check_ganaug(*arguments)
    elif module.startswith('mmseg_ganaug'):
        path = module_path(module)
        assert path, f'there is no module {module}'
        check_tool(path.relative_to(ROOT), arguments)
    else:
        assert module in ('pip', 'pytest', 'venv'), f'what is {module}?'


@pytest.mark.parametrize('block', SHELL, ids=str)
def test_commands_name_tools_options_and_files_that_exist(block):
    for words in commands(block.text):
        check_command(words)


def test_a_wrong_command_is_noticed():
    for text in (
        'python tools/no_tool.py',
        'python tools/train.py configs/no_config.py',
        'python tools/train.py CONFIG --no-option',
        'python tools/train.py',
        'python tools/dataset_converters/toy_streets.py out --num-train many',
        'tools/dist_train.sh CONFIG 4 --no-option',
        'python tools/test.py CONFIG work_dirs/pspnet_no-config/iter_1.pth',
        'make coffee',
        'ganaug brew',
        'ganaug synthesize CONFIG --no-option',
    ):
        with pytest.raises(AssertionError):
            for words in commands(text):
                check_command(words)


def check_classes(tree):
    for name, arguments in typed_dicts(tree):
        if name.startswith('Your'):
            continue  # a class of the reader
        if name[0].islower():
            assert name in string_literals(), f'there is no type {name!r}'
            continue
        accepted = accepted_arguments(name, ours_only=True) or accepted_arguments(name)
        assert accepted, f'there is no class {name}'
        wrong = set(arguments) - accepted
        assert '*' in accepted or not wrong, f'{name} takes no {wrong}'


@pytest.mark.parametrize('block', PYTHON, ids=str)
def test_python_names_classes_and_arguments_that_exist(block):
    check_classes(parse_python(block.text))


@pytest.mark.parametrize('document', DOCUMENTS, ids=by_name)
def test_code_in_the_text_names_classes_and_arguments_that_exist(document):
    for span in set(document.spans) - set(quoted_messages()):
        if 'dict(' in span:
            check_classes(parse_python(span))


def test_a_wrong_class_or_argument_is_noticed():
    for text in (
        "dict(type='mmseg_ganaug.NoDataset')",
        "dict(type='GANRecomposeDataset', no_argument=1)",
        "dict(type='LossFilter', segmenter=dict(type='NoSegmenter'))",
        "dict(type='RepeatDataset', no_argument=1, times=2)",
    ):
        with pytest.raises(AssertionError):
            check_classes(parse_python(text))


@pytest.mark.parametrize('document', DOCUMENTS, ids=by_name)
def test_links_lead_somewhere(document):
    for link in document.links:
        path, _, anchor = link.partition('#')
        target = (document.path.parent / path) if path else document.path
        assert target.exists(), f'{link}: there is no such file'
        if anchor and target.suffix == '.md':
            assert anchor in Document(target.resolve()).anchors, f'{link}: no heading'


def test_the_index_lists_every_page():
    index = {link.split('#')[0] for link in Document(ROOT / 'docs/README.md').links}
    pages = {path.name for path in (ROOT / 'docs').glob('*.md')} - {'README.md'}
    assert pages <= index


def quoted_messages():
    text = (ROOT / 'docs' / 'troubleshooting.md').read_text(encoding='utf-8')
    own = text.split('## Messages of other libraries')[0]
    return re.findall(r'^\| `([^`]+)` \|', own, re.MULTILINE)


def test_quoted_error_messages_stand_in_the_code():
    messages = quoted_messages()
    assert len(messages) > 30
    for message in messages:
        parts = map(re.escape, message.split('…'))
        pattern = re.compile(r'[^\0]*\0[^\0]*'.join(parts))
        assert any(map(pattern.search, string_literals())), message


@pytest.fixture(scope='module')
def project(tmp_path_factory):
    """A folder with the configs and tools, and what stands for the reader's files."""
    folder = tmp_path_factory.mktemp('project')
    for name in ('tools', 'configs'):
        (folder / name).mkdir()
        for part in (ROOT / name).iterdir():
            # The reader saves configs in the folder of the generators.
            if part.name == 'pix2pixhd':
                (folder / name / part.name).mkdir()
                for config in part.glob('*.py'):
                    (folder / name / part.name / config.name).symlink_to(config)
            else:
                (folder / name / part.name).symlink_to(part)
    plain = 'configs/pspnet/pspnet_r18w32-d8_1xb8-300_toystreets-128x256.py'
    (folder / 'your_config.py').write_text(f"_base_ = './{plain}'\n")
    return folder


def configs_of(document):
    """The Python blocks that are whole configs, by the file names they begin with."""
    blocks = [b for b in document.blocks if re.search(r'^_base_ = ', b.text, re.M)]
    names = [re.match(r'# (\S+\.py)\n', block.text) for block in blocks]
    return {
        name[1] if name else f'unnamed_{block.line}.py': block.text
        for name, block in zip(names, blocks)
    }


@pytest.mark.parametrize('document', filter(configs_of, DOCUMENTS), ids=by_name)
def test_whole_configs_are_read(project, monkeypatch, document):
    from mmengine.config import Config

    monkeypatch.chdir(project)
    configs = configs_of(document)
    for name, text in configs.items():
        Path(name).write_text(text)
    for name in configs:
        cfg = Config.fromfile(name)
        kind = cfg.train_dataloader.dataset.type.split('.')[-1]
        assert kind in ('ConcatDataset', 'LabelToImageDataset', 'ToyStreetsDataset')


def commands_to_run():
    found = {}
    for block in SHELL:
        for words in commands(block.text):
            toy = any('toystreets' in word.replace('_', '') for word in words[2:])
            if words[0] == 'python' and words[1] in RUN and toy:
                found.setdefault(' '.join(words), words[1:])
    return sorted(found.values(), key=lambda words: list(RUN).index(words[0]))


def test_commands_on_toy_streets_run(project, monkeypatch, capsys):
    to_run = commands_to_run()
    assert {words[0] for words in to_run} == set(RUN)
    monkeypatch.chdir(project)
    for words in to_run:
        monkeypatch.setattr(sys, 'argv', [*words, *RUN[words[0]]])
        runpy.run_path(words[0], run_name='__main__')
    printed = capsys.readouterr().out
    assert 'traffic sign' in printed
    for path in re.findall(r'Written: (\S+)', printed):
        assert (project / path).stat().st_size > 1000
