"""Which files are of this package: nothing else is ever overwritten or deleted."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmseg_ganaug.in_the_way import InTheWayError
from mmseg_ganaug.ownership import (
    MARK,
    WorkFolder,
    keep_beside,
    keep_folder,
    read_mark,
    write_mark,
)


@pytest.fixture
def work(tmp_path):
    return WorkFolder(tmp_path / 'work', 'bench')


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(Path(folder).rglob('*'))
        if path.is_file() and not path.name.startswith(('.', MARK))
    }


def test_a_mark_says_what_a_folder_was_made_for(tmp_path):
    assert read_mark(tmp_path) is None
    write_mark(tmp_path, 'sample store', 'abc')
    assert read_mark(tmp_path)[1:] == ('sample store', 'abc')
    (tmp_path / MARK).write_text('{"tool": "another", "version": "1"}')
    assert read_mark(tmp_path) is None


def test_all_that_is_in_the_way_is_named_and_left(work):
    folder = work.folder
    work.write(folder / 'mine.txt', 'ours')
    work.add_folder(folder / 'logs')
    for name in ('report.html', 'logs/1.log', 'generator/weights.pth', 'configs'):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text('the user')
    (folder / 'empty').mkdir()
    before = contents(folder)
    files = ['mine.txt', 'report.html', 'logs/1.log', 'new.txt', 'configs/plain.py']
    with pytest.raises(InTheWayError) as caught:
        work.check_free(
            [folder / name for name in files],
            [folder / name for name in ('logs', 'generator', 'empty', 'missing')],
        )
    names = [path.name for path in caught.value.paths]
    assert names == ['report.html', 'configs', 'generator']
    assert '--work-dir' in str(caught.value)
    for path in caught.value.paths:
        assert str(path) in str(caught.value)
    with pytest.raises(InTheWayError):
        work.write(folder / 'report.html', 'ours')
    with pytest.raises(InTheWayError):
        work.add_folder(folder / 'generator')
    assert contents(folder) == before


def test_a_file_where_the_folder_should_be_is_in_the_way(tmp_path):
    (tmp_path / 'file').write_text('the user')
    work = WorkFolder(tmp_path / 'file', 'bench')
    assert work.in_the_way([tmp_path / 'file' / 'a.txt']) == [tmp_path / 'file']
    (tmp_path / 'link').symlink_to('nowhere')
    linked = WorkFolder(tmp_path, 'bench')
    assert linked.in_the_way([], [tmp_path / 'link']) == [tmp_path / 'link']
    assert linked.in_the_way([tmp_path / 'link']) == [tmp_path / 'link']


def test_an_edited_file_of_ours_is_kept_beside_and_said(work, capsys):
    path = work.folder / 'report.html'
    work.write(path, 'first')
    work.write(path, 'second')
    assert [p.name for p in work.folder.glob('report*')] == ['report.html']
    path.write_text('edited by the user')
    work.check_free([path])
    work.write(path, 'third')
    assert path.read_text() == 'third'
    (kept,) = work.folder.glob('report.html.before-*')
    assert kept.read_text() == 'edited by the user'
    assert str(kept) in capsys.readouterr().out


def test_a_file_that_others_draw_is_kept_when_it_was_edited(work):
    path = work.folder / 'chart.png'
    for number, edit in enumerate((None, b'edited', None)):
        if edit is not None:
            path.write_bytes(edit)
        with work.drawn(path) as place:
            assert place.name == 'chart.png'
            place.write_bytes(b'drawn %d' % number)
    assert path.read_bytes() == b'drawn 2'
    (kept,) = work.folder.glob('chart.png.before-*')
    assert kept.read_bytes() == b'edited'


def test_a_failing_drawing_leaves_the_old_one(work):
    path = work.write(work.folder / 'chart.png', b'old')
    with pytest.raises(ZeroDivisionError), work.drawn(path) as place:
        place.write_bytes(b'half')
        raise ZeroDivisionError
    assert path.read_bytes() == b'old'


def test_a_mark_cut_off_anywhere_makes_nothing_ours(work):
    path = work.write(work.folder / 'report.html', 'ours')
    mark = work.folder / MARK
    whole = mark.read_bytes()
    for length in range(len(whole) - 1):
        mark.write_bytes(whole[:length])
        with pytest.raises(InTheWayError, match='damaged') as caught:
            work.check_free([path])
        assert caught.value.paths == [mark, path]
        with pytest.raises(InTheWayError, match='damaged'):
            work.write(path, 'new')
        assert mark.read_bytes() == whole[:length]
    assert path.read_text() == 'ours'


@pytest.mark.parametrize(
    'change',
    [
        {'tool': 'another'},
        {'purpose': 'sample store'},
        {'files': []},
        {'files': {'report.html': 3}},
        {'folders': {}},
        {'folders': [3]},
    ],
)
def test_the_mark_of_something_else_is_in_the_way(work, change):
    work.write(work.folder / 'report.html', 'ours')
    mark = work.folder / MARK
    mark.write_text(json.dumps({**json.loads(mark.read_text()), **change}))
    with pytest.raises(InTheWayError, match='damaged, or is not the mark'):
        work.check_free([work.folder / 'report.html'])


def test_links_work_as_the_folders_that_they_point_to(tmp_path, capsys):
    disk = tmp_path / 'disk'
    (disk / 'generator').mkdir(parents=True)
    (tmp_path / 'work').symlink_to(disk)
    (disk / 'training').symlink_to(disk / 'generator')
    work = WorkFolder(tmp_path / 'work', 'bench')
    training = work.add_folder(work.folder / 'training')
    (training / 'iter_2.pth').write_bytes(b'weights')
    assert work.is_ours(training / 'iter_2.pth')
    assert WorkFolder(disk, 'bench').is_ours(disk / 'training')
    kept = keep_folder(training, 'the config changed')
    assert kept.parent == disk and kept.name.startswith('generator.before-')
    assert (kept / 'iter_2.pth').read_bytes() == b'weights'
    assert training.is_symlink() and not any(training.iterdir())
    assert f'the config changed: what was there is kept as {kept}' in (
        capsys.readouterr().out
    )


def test_names_that_are_taken_are_not_used_to_keep(tmp_path):
    kept = []
    for text in 'abc':
        (tmp_path / 'file').write_text(text)
        kept.append(keep_beside(tmp_path / 'file'))
    assert [path.read_text() for path in kept] == list('abc')


def test_paths_outside_are_refused(work):
    with pytest.raises(ValueError, match='does not lie in'):
        work.write(work.folder.parent / 'elsewhere.txt', '')


def test_processes_that_write_at_once_lose_no_entry(work):
    code = (
        'import sys\n'
        'from mmseg_ganaug.ownership import WorkFolder\n'
        f'work = WorkFolder({str(work.folder)!r}, "bench")\n'
        'for number in range(20):\n'
        '    name = f"{sys.argv[1]}-{number}.txt"\n'
        '    work.write(work.folder / name, name)\n'
    )
    env = dict(os.environ, OMP_NUM_THREADS='1')
    writers = [
        subprocess.Popen([sys.executable, '-c', code, name], env=env) for name in 'abc'
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * 3
    assert len(contents(work.folder)) == 60
    assert all(work.is_ours(path) for path in work.folder.glob('*.txt'))
