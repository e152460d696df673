"""Configs run no YAML, and what is written comes back as it was."""

import pickle
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from mmengine.config import Config
from mmengine.fileio.handlers import file_handlers

from mmseg_ganaug.safe_configs import (
    config_text,
    read_config,
    read_values,
    write_config,
)

ROOT = Path(__file__).resolve().parents[1]
UNSAFE = [
    '!!python/object/apply:os.mkdir [{}]',
    '!<tag:yaml.org,2002:python/object/apply:os.mkdir> [{}]',
    '!!python/object/new:os.mkdir [{}]',
    '!!python/name:os.system',
    '!!python/tuple [1, 2]',
]


@pytest.mark.parametrize('tag', UNSAFE)
def test_a_tag_that_can_run_code_is_named_with_its_line_and_not_run(tag, tmp_path):
    path = tmp_path / 'unsafe.yaml'
    path.write_text(f'model: 1\nlist: [1,\n  {tag.format(tmp_path / "ran")}]\n')
    with pytest.raises(ValueError, match=r'line 3: the tag .*python.* is refused') as e:
        read_config(path)
    assert str(path) in str(e.value)
    assert not (tmp_path / 'ran').exists()


def test_tags_under_another_name_are_refused(tmp_path):
    path = tmp_path / 'unsafe.yml'
    path.write_text(
        '%TAG !p! tag:yaml.org,2002:python/\n---\n'
        f'a: !p!object/apply:os.mkdir [{tmp_path / "ran"}]\n'
    )
    with pytest.raises(ValueError, match=r'line 3: the tag .*os\.mkdir is refused'):
        read_config(path)
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize('suffix', ['.yaml', '.py', '.json'])
def test_unsafe_yaml_below_a_config_is_refused(suffix, tmp_path):
    (tmp_path / 'bases').mkdir()
    unsafe = tmp_path / 'bases' / 'unsafe.yaml'
    unsafe.write_text(f'a: !!python/object/apply:os.mkdir ["{tmp_path}/ran"]\n')
    (tmp_path / 'bases' / 'middle.yaml').write_text('_base_: [./unsafe.yaml]\n')
    path = tmp_path / f'child{suffix}'
    path.write_text(
        {
            '.yaml': '_base_: bases/middle.yaml\nb: 1\n',
            '.py': "_base_ = ['bases/middle.yaml']\nb = 1\n",
            '.json': '{"_base_": "bases/middle.yaml", "b": 1}',
        }[suffix]
    )
    with pytest.raises(ValueError, match='is refused') as caught:
        read_config(path)
    assert str(unsafe) in str(caught.value)
    assert not (tmp_path / 'ran').exists()


def test_a_tag_that_a_template_brings_in_is_not_run_either(tmp_path, monkeypatch):
    path = tmp_path / 'config.yaml'
    path.write_text('a: {{$TAG:1}}\n')
    monkeypatch.setenv('TAG', f'!!python/object/apply:os.mkdir ["{tmp_path}/ran"]')
    with pytest.raises(ValueError, match='cannot be read'):
        read_config(path)
    monkeypatch.setenv('NAME', 'unsafe.yaml')
    (tmp_path / 'unsafe.yaml').write_text(
        f'a: !!python/object/apply:os.mkdir ["{tmp_path}/ran"]\n'
    )
    path.write_text('_base_: "{{$NAME:x}}"\n')
    with pytest.raises(ValueError, match='cannot be read'):
        read_config(path)
    assert not (tmp_path / 'ran').exists()


def test_mmengine_reads_yaml_as_before_afterwards(tmp_path):
    before = dict(file_handlers)
    (tmp_path / 'config.yaml').write_text('a: [')
    with pytest.raises(ValueError, match=r'config\.yaml cannot be read'):
        read_config(tmp_path / 'config.yaml')
    assert file_handlers == before


def test_plain_yaml_with_bases_and_templates_is_read_as_by_mmengine(tmp_path):
    (tmp_path / 'base.yaml').write_text('model:\n  type: A\n  depth: 18\nn: 3\n')
    path = tmp_path / 'config.yaml'
    path.write_text(
        '_base_: ./base.yaml\nmodel: {depth: 50}\nm: {{ _base_.n }}\n'
        "name: '{{ fileBasename }}'\nworkers: {{'$WORKERS:2'}}\n"
    )
    assert read_config(path)._cfg_dict == Config.fromfile(path)._cfg_dict


@pytest.mark.parametrize('path', sorted(ROOT.glob('configs/comparisons/*.yaml')))
def test_shipped_matrices_are_plain(path):
    assert read_config(path)._cfg_dict == Config.fromfile(path)._cfg_dict


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        ('bad.py', 'a = (\n'),
        ('bad.py', 'a = unknown\n'),
        ('bad.json', '{"a":'),
        ('bad.yaml', 'a: [1\n'),
        ('bad.yaml', ''),
        ('bad.py', "_base_ = './bad.py'\n"),
        ('bad.txt', 'a = 1\n'),
    ],
)
def test_what_is_no_config_is_named(name, text, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=name):
        read_config(tmp_path / name)


def test_a_pickle_is_refused(tmp_path):
    path = tmp_path / 'config.pkl'
    path.write_bytes(pickle.dumps(Path(tmp_path)))
    with pytest.raises(ValueError, match='is not a config file'):
        read_config(path)


def test_a_missing_config_or_base_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.py'):
        read_config(tmp_path / 'none.py')
    (tmp_path / 'child.yaml').write_text('_base_: none.yaml\n')
    with pytest.raises(FileNotFoundError, match=r'none\.yaml'):
        read_config(tmp_path / 'child.yaml')


TEMPLATES = ['{{$HOME:x}}', '{{ fileDirname }}', '{{_base_.x}}', "{{'$HOME:1'}}", '{{{']
TEXTS = st.lists(
    st.one_of(st.sampled_from([*TEMPLATES, '{', '}', '\\', "'", '"', '\n']), st.text()),
    max_size=4,
).map(''.join)
# MMEngine has a use of its own for names with underscores.
KEYS = st.one_of(TEXTS, st.sampled_from(['class', 'car', 'if', 'a b'])).filter(
    lambda key: not key.startswith('_')
)
VALUES = st.recursive(
    st.one_of(
        TEXTS,
        st.integers(),
        st.floats(allow_nan=False),
        st.booleans(),
        st.none(),
        st.binary(max_size=8),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(KEYS, inner, max_size=4),
    ),
    max_leaves=12,
)


@given(value=VALUES)
@example(value='\ud800 {{$HOME:x}}')
@example(value={'{{$HOME:x}}': ['{{ fileDirname }}'], "it's": ('a',)})
def test_what_is_written_comes_back_as_it_was(value, tmp_path_factory):
    path = tmp_path_factory.mktemp('config') / 'config.py'
    config = Config(dict(value=value, other=[value]))
    write_config(config, path)
    for read in (Config.fromfile(path).to_dict(), read_config(path).to_dict()):
        assert read == {'value': value, 'other': [value]}
        assert config_text(read) == config_text(config)
    assert read_values(path) == {'value': value, 'other': [value]}


@given(text=TEXTS)
def test_texts_in_a_template_of_ours_come_back_as_they_were(text, tmp_path_factory):
    path = tmp_path_factory.mktemp('config') / 'config.py'
    comment = text.encode('utf-8', 'ignore').decode().replace('\r', '\n')
    comment = ' '.join(comment.replace('\0', '').split('\n'))
    write_config(f'# {comment}\nraw = r"{{{{$HOME:x}}}}"\nclasses = [{text!r}]\n', path)
    assert Config.fromfile(path).to_dict() == {
        'raw': '{{$HOME:x}}',
        'classes': [text],
    }


def test_values_that_are_no_numbers_come_back(tmp_path):
    path = write_config(
        Config(dict(a=float('nan'), b=[float('-inf')])), tmp_path / 'a.py'
    )
    assert config_text(Config.fromfile(path)) == config_text(read_values(path))
    assert Config.fromfile(path).b == [float('-inf')]


def test_what_cannot_be_written_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"'a b' cannot be the name"):
        write_config(Config({'a b': 1}), tmp_path / 'a.py')
    with pytest.raises(ValueError, match=r'model\.layers is .*, a set'):
        write_config(Config(dict(model=dict(layers={1, 2}))), tmp_path / 'a.py')
    assert not (tmp_path / 'a.py').exists()


@pytest.mark.parametrize('name', ['pspnet/*recon*streets*.py', 'pix2pixhd/*tiny*.py'])
def test_a_shipped_config_is_the_same_when_written(name, tmp_path):
    for path in sorted(ROOT.glob(f'configs/{name}')):
        cfg = read_config(path)
        written = write_config(cfg, tmp_path / path.name)
        assert Config.fromfile(written).to_dict() == cfg.to_dict()
        assert max(map(len, written.read_text().splitlines())) < 120


def test_what_mmengine_leaves_in_a_work_dir_is_read_without_running_it(tmp_path):
    values = dict(a=dict(b=[1, (2,), {'a-b': None}]), c=-1.5, name="it's {{$HOME:x}}")
    Config(values).dump(tmp_path / 'config.py')
    assert read_values(tmp_path / 'config.py') == values
    (tmp_path / 'code.py').write_text(f'import os\nos.mkdir({str(tmp_path / "ran")!r})')
    with pytest.raises(ValueError, match=r'code\.py holds more than values'):
        read_values(tmp_path / 'code.py')
    (tmp_path / 'code.py').write_text(f'a = __import__("os").mkdir("{tmp_path}/ran")')
    with pytest.raises(ValueError, match=r'code\.py holds more than values'):
        read_values(tmp_path / 'code.py')
    assert not (tmp_path / 'ran').exists()


def test_the_unsafe_files_of_these_tests_do_run_under_mmengine_alone(tmp_path):
    path = tmp_path / 'unsafe.yaml'
    path.write_text(f'a: !!python/object/apply:os.mkdir ["{tmp_path}/ran"]\n')
    with pytest.raises(FileExistsError):  # MMEngine reads it twice.
        Config.fromfile(path)
    assert (tmp_path / 'ran').is_dir()
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load(path.read_text())
