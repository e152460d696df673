"""Label maps are written from masks; files that others wrote or edited are kept."""

import json
import shutil

import numpy as np
import pytest
from mask_folders import Folder
from PIL import Image

from mmseg_ganaug.own_data import convert as label_conversion
from mmseg_ganaug.own_data.classes import find_classes
from mmseg_ganaug.own_data.convert import write_label_maps
from mmseg_ganaug.ownership import InTheWayError


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_an_interrupted_conversion_goes_on_and_other_classes_begin_again(
    folder, monkeypatch
):
    survey = folder.make([0, 255]).survey()
    classes = find_classes(survey)
    out = folder.path / 'out'
    write = label_conversion.write_atomically

    def dies_at_third(path, content):
        if path.name == '2.png':
            raise KeyboardInterrupt
        return write(path, content)

    monkeypatch.setattr(label_conversion, 'write_atomically', dies_at_third)
    with pytest.raises(KeyboardInterrupt):
        write_label_maps(survey.pairs, classes, survey.digest, out)
    monkeypatch.setattr(label_conversion, 'write_atomically', write)
    kept = (out / '0.png').stat().st_mtime_ns
    write_label_maps(survey.pairs, classes, survey.digest, out)
    assert (out / '0.png').stat().st_mtime_ns == kept
    assert len(list(out.glob('*.png'))) == 4
    swapped = folder.match('thing 255\nbackground 0\nignore 9\nthird 1\n')
    write_label_maps(survey.pairs, swapped, survey.digest, out)
    assert (out / '0.png').stat().st_mtime_ns != kept


def test_what_a_killed_conversion_left_in_a_subfolder_is_removed(folder):
    survey = folder.make([0, 255]).survey()
    classes, out = find_classes(survey), folder.path / 'out'
    pairs = [pair._replace(key=f'rome/{pair.key}') for pair in survey.pairs]
    write_label_maps(pairs, classes, survey.digest, out)
    left = out / 'rome' / f'.tmp-{"0f" * 16}'
    left.write_bytes(b'half')
    (out / 'rome' / '1.png').unlink()
    write_label_maps(pairs, classes, survey.digest, out)
    assert (out / 'rome' / '1.png').is_file()
    assert not left.exists()


def contents(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob('*')) if p.is_file()}


def test_a_folder_of_others_is_not_written_to(folder):
    survey = folder.make([0, 255]).survey()
    before = contents(folder.path / 'photos')
    with pytest.raises(InTheWayError, match='photos'):
        write_label_maps(
            survey.pairs, find_classes(survey), survey.digest, folder.path / 'photos'
        )
    assert contents(folder.path / 'photos') == before


def test_files_of_others_in_our_folder_are_named_or_left(folder):
    survey = folder.make([0, 255]).survey()
    classes, out = find_classes(survey), folder.path / 'out'
    write_label_maps(survey.pairs[:3], classes, survey.digest, out)
    (out / 'notes.txt').write_text('mine')
    (out / '3.png').write_bytes(b'mine, too')
    with pytest.raises(InTheWayError, match=r'3\.png'):
        write_label_maps(survey.pairs, classes, survey.digest, out)
    assert (out / '3.png').read_bytes() == b'mine, too'
    write_label_maps(survey.pairs[:3], classes, 'other', out)
    assert (out / 'notes.txt').read_text() == 'mine'
    assert (out / '3.png').read_bytes() == b'mine, too'


def label_maps(folder):
    return [np.asarray(Image.open(folder / f'{i}.png')).tolist() for i in range(4)]


def test_a_link_to_another_disk_works_as_the_folder(folder):
    survey = folder.make([0, 255]).survey()
    disk = folder.path / 'disk'
    disk.mkdir()
    out = folder.path / 'out'
    out.symlink_to(disk)
    classes = find_classes(survey)
    write_label_maps(survey.pairs, classes, survey.digest, out)
    first = label_maps(disk)
    swapped = folder.match('thing 255\nbackground 0\nignore 9\nthird 1\n')
    write_label_maps(survey.pairs, swapped, survey.digest, out)
    assert out.is_symlink()
    assert label_maps(disk) != first
    write_label_maps(survey.pairs, classes, survey.digest, out)
    assert label_maps(disk) == first


def test_edited_label_maps_are_kept_beside_when_others_are_wanted(folder, capsys):
    survey = folder.make([0, 255]).survey()
    classes, out = find_classes(survey), folder.path / 'out'
    write_label_maps(survey.pairs, classes, survey.digest, out)
    Image.new('L', (20, 16), 1).save(out / '2.png')
    mine = (out / '2.png').read_bytes()
    # Of the same masks and classes, what the user made of it is used.
    write_label_maps(survey.pairs, classes, survey.digest, out)
    assert (out / '2.png').read_bytes() == mine
    write_label_maps(survey.pairs, classes, 'other masks', out)
    assert (out / '2.png').read_bytes() != mine
    (kept,) = folder.path.glob('out.before-*')
    assert (kept / '2.png').read_bytes() == mine
    assert str(kept) in capsys.readouterr().out


@pytest.mark.parametrize('finished', [2, 4])
def test_what_is_edited_after_a_killed_run_is_kept_too(folder, finished):
    survey = folder.make([0, 255]).survey()
    classes, out = find_classes(survey), folder.path / 'out'
    write_label_maps(survey.pairs, classes, survey.digest, out)
    # As a kill leaves it: no label map is noted as finished.
    listed = json.loads((out / 'conversion.json').read_text())
    listed['files'] = dict.fromkeys(listed['files'], '')
    (out / 'conversion.json').write_text(json.dumps(listed))
    for number in range(finished, 4):
        (out / f'{number}.png').unlink()
    write_label_maps(survey.pairs, classes, survey.digest, out)
    Image.new('L', (20, 16), 1).save(out / '0.png')
    mine = (out / '0.png').read_bytes()
    write_label_maps(survey.pairs, classes, 'other masks', out)
    (kept,) = folder.path.glob('out.before-*')
    assert (kept / '0.png').read_bytes() == mine


def test_damaged_label_maps_are_made_again(folder):
    survey = folder.make([0, 255]).survey()
    classes, out = find_classes(survey), folder.path / 'out'
    write_label_maps(survey.pairs, classes, survey.digest, out)
    first = label_maps(out)
    for name, content in [('0.png', b''), ('1.png', (out / '1.png').read_bytes()[:-9])]:
        (out / name).write_bytes(content)
    write_label_maps(survey.pairs, classes, survey.digest, out)
    assert label_maps(out) == first


def test_a_list_of_label_maps_cut_anywhere_loses_nothing(folder):
    survey = folder.make([0, 255]).survey()
    classes, out = find_classes(survey), folder.path / 'out'
    write_label_maps(survey.pairs, classes, survey.digest, out)
    first, whole = label_maps(out), (out / 'conversion.json').read_bytes()
    for cut in range(0, len(whole), 7):
        (out / 'conversion.json').write_bytes(whole[:cut])
        write_label_maps(survey.pairs, classes, survey.digest, out)
        assert label_maps(out) == first
        (kept,) = folder.path.glob('out.before-*')
        assert label_maps(kept) == first
        shutil.rmtree(kept)
