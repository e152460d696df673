"""Where commands write what they draw, and what is there before."""

import pytest

from mmseg_ganaug.commands.named_files import figure_file, figures_folder
from mmseg_ganaug.in_the_way import InTheWayError


def test_another_file_that_is_named_is_kept_beside(tmp_path):
    mine = tmp_path / 'a.png'
    mine.write_bytes(b'mine')
    path, write = figure_file(str(mine), 'unused/b.png')
    assert write(path, b'drawn') == mine
    assert mine.read_bytes() == b'drawn'
    (kept,) = tmp_path.glob('a.png.before-*')
    assert kept.read_bytes() == b'mine'


def test_at_the_default_place_figures_replace_each_other(tmp_path):
    default = str(tmp_path / 'figures' / 'b.png')
    for content in (b'first', b'second'):
        path, write = figure_file(None, default)
        write(path, content)
    assert path.read_bytes() == b'second'
    assert [found.name for found in path.parent.glob('*.png*')] == ['b.png']


def test_a_file_of_the_user_at_the_default_place_is_in_the_way(tmp_path):
    mine = tmp_path / 'b.png'
    mine.write_bytes(b'mine')
    with pytest.raises(InTheWayError, match=r'b\.png\n.*--out'):
        figure_file(None, str(mine))
    assert mine.read_bytes() == b'mine'


def test_a_folder_where_a_file_is_named_is_in_the_way(tmp_path):
    with pytest.raises(InTheWayError, match='Give another file'):
        figure_file(str(tmp_path), 'unused.png')


def test_the_option_of_a_folder_is_named(tmp_path):
    (tmp_path / 'a.png').write_bytes(b'mine')
    with pytest.raises(InTheWayError, match='--show-dir'):
        figures_folder(tmp_path, '--show-dir').write(tmp_path / 'a.png', b'drawn')
