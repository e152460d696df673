"""Photos and masks are paired by their names, or those alone are named."""

import errno
import os

import pytest

from mmseg_ganaug.own_data.pairs import draw_split, pair_folders, read_split


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.fixture
def folders(tmp_path):
    return tmp_path / 'photos', tmp_path / 'masks'


@pytest.mark.parametrize(
    ('photo', 'mask', 'img_suffix', 'seg_map_suffix'),
    [
        ('{}.jpg', '{}.png', '.jpg', '.png'),
        ('{}.jpg', '{}_mask.png', '.jpg', '_mask.png'),
        ('{}_leftImg8bit.png', '{}_gtFine_labelIds.png', '_leftImg8bit.png', None),
        ('{}-rgb.png', '{}-gt.png', '-rgb.png', '-gt.png'),
        ('town/{}.jpg', 'town/{}_gt.png', '.jpg', '_gt.png'),
    ],
)
def test_pairs_are_found_whatever_follows_the_common_name(
    folders, photo, mask, img_suffix, seg_map_suffix
):
    # Each number is the beginning of another one.
    numbers = ['1', '10', '11', '100', 'a_2']
    touch(folders[0], *(photo.format(n) for n in numbers))
    touch(folders[1], *(mask.format(n) for n in numbers), '.DS_Store.png')
    found = pair_folders(*folders)
    assert found.img_suffix == img_suffix
    assert found.seg_map_suffix == (seg_map_suffix or '_gtFine_labelIds.png')
    assert len(found.pairs) == 5
    for pair in found.pairs:
        assert pair.photo == folders[0] / (pair.key + found.img_suffix)
        assert pair.mask == folders[1] / (pair.key + found.seg_map_suffix)


@pytest.mark.parametrize('names', [['a_2'], ['1', '11', '21', '31']])
def test_a_name_may_be_the_common_end_of_all(folders, names):
    touch(folders[0], *(f'{name}_rgb.png' for name in names))
    touch(folders[1], *(f'{name}_gt_ids.png' for name in names))
    found = pair_folders(*folders, fewest=1)
    assert [pair.key for pair in found.pairs] == names
    assert (found.img_suffix, found.seg_map_suffix) == ('_rgb.png', '_gt_ids.png')


def test_the_number_of_the_only_photo_is_part_of_its_name(folders):
    touch(folders[0], 'town_1_rgb.png')
    touch(folders[1], 'town_2_gt.png')
    with pytest.raises(ValueError, match='no photo has a mask'):
        pair_folders(*folders, fewest=1)


def test_photos_with_several_endings_keep_them_in_their_keys(folders):
    touch(folders[0], 'a.jpg', 'b.JPG', 'c.png', 'd.jpg')
    touch(folders[1], 'a.png', 'b.png', 'c.png', 'd.png')
    found = pair_folders(*folders)
    assert [pair.key for pair in found.pairs] == ['a.jpg', 'b.JPG', 'c.png', 'd.jpg']
    assert found.img_suffix == ''
    assert found.seg_map_suffix is None


def test_masks_beside_the_photos_are_told_apart_by_their_suffix(folders):
    touch(folders[0], *(f'{n}.png' for n in 'abcd'), *(f'{n}_m.png' for n in 'abcd'))
    with pytest.raises(ValueError, match='--mask-suffix'):
        pair_folders(folders[0], folders[0])
    found = pair_folders(folders[0], folders[0], '_m.png')
    assert [pair.photo.name for pair in found.pairs] == [f'{n}.png' for n in 'abcd']


def test_masks_of_several_kinds_are_asked_about(folders):
    touch(folders[0], *(f'{n}.png' for n in 'abcd'))
    touch(folders[1], *(f'{n}_{kind}.png' for n in 'abcd' for kind in ('ids', 'color')))
    with pytest.raises(ValueError) as raised:
        pair_folders(*folders)
    for word in ('several kinds', '_ids (4 files)', '_color (4 files)'):
        assert word in str(raised.value)
    found = pair_folders(*folders, mask_suffix='_ids')
    assert found.seg_map_suffix == '_ids.png'


@pytest.mark.parametrize(
    ('photos', 'masks', 'words'),
    [
        ('abcdef', 'abcde', ['1 of 6 photos have no mask', 'f.jpg', 'take them out']),
        ('abcd', 'abcdef', ['2 masks have no photo', 'e.png', 'f.png']),
        ('abc', 'abc', ['3 pairs', '4 are the least']),
        ('abcd', 'wxyz', ['no photo has a mask', 'a.jpg', 'w.png']),
    ],
)
def test_what_is_alone_is_named(folders, photos, masks, words):
    touch(folders[0], *(f'{n}.jpg' for n in photos))
    touch(folders[1], *(f'{n}.png' for n in masks))
    with pytest.raises(ValueError) as raised:
        pair_folders(*folders)
    for word in words:
        assert word in str(raised.value)


def test_two_photos_of_one_name_are_an_error(folders):
    touch(folders[0], 'a.jpg', 'a.png', 'b.png', 'c.png', 'd.png')
    touch(folders[1], *(f'{n}.png' for n in 'abcd'))
    with pytest.raises(ValueError, match='one name'):
        pair_folders(*folders)


def test_missing_and_empty_folders_are_named(folders):
    touch(folders[0], 'a.jpg')
    with pytest.raises(FileNotFoundError, match='masks is no folder'):
        pair_folders(*folders)
    folders[1].mkdir()
    with pytest.raises(FileNotFoundError, match='holds no masks'):
        pair_folders(*folders)


@pytest.mark.parametrize(
    ('name', 'words'),
    [
        (' a', ['begins or ends with a space', "/ a.jpg'", 'rename']),
        ('a ', ['begins or ends with a space', "/a .jpg'"]),
        ('a\nb', ['control character', r'a\nb.jpg']),
        ('a\x1b[31m', ['control character', r'\x1b']),
        ('a\udcff', ['not UTF-8', r'\udcff', 'rename']),
        (' town/a', ['begins or ends with a space']),
    ],
)
def test_names_that_a_split_cannot_hold_are_named(folders, name, words):
    touch(folders[0], *(f'{n}.jpg' for n in ('1', '2', '3', name)))
    touch(folders[1], *(f'{n}.png' for n in ('1', '2', '3', name)))
    with pytest.raises(ValueError) as raised:
        pair_folders(*folders)
    for word in words:
        assert word in str(raised.value)
    assert str(raised.value).isprintable()


def test_names_too_long_for_their_label_map_are_named(folders):
    # With several endings, the photo's own stays in the name of its label map.
    long = 'x' * 250
    touch(folders[0], '1.jpg', '2.jpg', '3.png', f'{long}.jpg')
    touch(folders[1], '1.png', '2.png', '3.png', f'{long}.png')
    with pytest.raises(ValueError, match='more than 251 bytes'):
        pair_folders(*folders)


@pytest.mark.parametrize(
    'name',
    ['a#b', '100%', '{{$HOME}}', '$x', "it's", 'a b', '路', 'a..b', '-x', 'x' * 240],
)
def test_other_names_are_paired(folders, name):
    touch(folders[0], *(f'{n}.JPG' for n in ('1', '2', '3', name)))
    touch(folders[1], *(f'{n}.PNG' for n in ('1', '2', '3', name)))
    found = pair_folders(*folders)
    assert (found.img_suffix, found.seg_map_suffix) == ('.JPG', '.PNG')
    assert name in [pair.key for pair in found.pairs]


def test_names_that_look_the_same_are_pairs_in_every_normal_form(folders):
    composed, combining = 'caf\u00e9', 'cafe\u0301'
    touch(folders[0], *(f'{n}.jpg' for n in ('1', '2', '3', composed)))
    touch(folders[1], *(f'{n}.png' for n in ('1', '2', '3', combining)))
    found = pair_folders(*folders)
    assert found.img_suffix == '.jpg'
    # One key cannot name both files: the masks are converted.
    assert found.seg_map_suffix is None
    assert [p.key for p in found.pairs] == ['1', '2', '3', composed]
    for pair in found.pairs:
        assert pair.photo.is_file() and pair.mask.is_file()
    touch(folders[0], f'{combining}.jpg')
    with pytest.raises(ValueError, match='one name'):
        pair_folders(*folders)


def test_photos_in_combining_characters_keep_their_names(folders):
    touch(folders[0], *(f'e\u0301{n}.jpg' for n in range(4)))
    touch(folders[1], *(f'\u00e9{n}.png' for n in range(4)))
    found = pair_folders(*folders)
    for pair in found.pairs:
        assert pair.photo == folders[0] / (pair.key + found.img_suffix)
        assert pair.photo.is_file()


def test_folders_and_hidden_files_are_no_photos(folders):
    touch(folders[0], *(f'{n}.jpg' for n in 'abcd'), '.cache/e.jpg', '__/._f.jpg')
    (folders[0] / 'g.jpg').mkdir()
    touch(folders[1], *(f'{n}.png' for n in 'abcd'))
    assert len(pair_folders(*folders).pairs) == 4


def test_folders_that_are_links_are_entered_and_no_file_counts_twice(folders, tmp_path):
    for folder, ending in zip(folders, ('.jpg', '.png')):
        elsewhere = tmp_path / 'disk' / folder.name
        touch(folder, *(f'a/{n}{ending}' for n in 'abcd'))
        touch(elsewhere, *(f'{n}{ending}' for n in 'ef'))
        for name, target in {
            'b': elsewhere,
            'again': elsewhere,
            'latest': folder / 'a',
            'a/up': folder,
            'above': tmp_path,
        }.items():
            (folder / name).symlink_to(target)
        (elsewhere / 'round').symlink_to(elsewhere)
    found = [pair.key for pair in pair_folders(*folders).pairs]
    assert found == ['a/a', 'a/b', 'a/c', 'a/d', 'again/e', 'again/f']


def test_a_folder_that_cannot_be_read_is_named(folders, monkeypatch):
    touch(folders[0], *(f'{n}.jpg' for n in 'abcd'), 'closed/e.jpg')
    touch(folders[1], *(f'{n}.png' for n in 'abcd'), 'closed/e.png')
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith('closed'):
            raise PermissionError(errno.EACCES, 'Permission denied', str(path))
        return scandir(path)

    monkeypatch.setattr(os, 'scandir', refuse)
    with pytest.raises(PermissionError, match='closed'):
        pair_folders(*folders)


SPLIT_NAMES = ['a', 'b', 'c', 'd e', '#f', 'x\x85y']


@pytest.fixture
def lists(tmp_path):
    return [tmp_path / 'train.txt', tmp_path / 'val.txt']


def write(lists, train, val):
    for path, content in zip(lists, (train, val)):
        path.write_bytes(content)


def test_what_is_drawn_is_read_again(lists):
    split = draw_split(SPLIT_NAMES, 0.4, 0)
    write(lists, *('\n'.join(part).encode() for part in split))
    assert read_split(lists, [set(SPLIT_NAMES)] * 2) == split


def test_lists_of_other_editors_are_read(lists):
    write(lists, b'\xef\xbb\xbfa\r\n  b \r\n\r\na', b'd e\r\n#f')
    assert read_split(lists, [set(SPLIT_NAMES)] * 2) == (['a', 'b'], ['d e', '#f'])


def test_folders_of_their_own_may_use_the_same_names(lists):
    write(lists, b'a\nb', b'a')
    assert read_split(lists, [set('ab'), set('ac')]) == (['a', 'b'], ['a'])


@pytest.mark.parametrize(
    ('train', 'val', 'words'),
    [
        (b'a\nz', b'b', ["train.txt lists 'z'", 'no photo here']),
        (b'a', b'', ['val.txt lists no photo']),
        (b'a\nb', b'b', ["val.txt lists 'b', as ", 'train.txt does']),
        (b'a\n\xff', b'b', ['train.txt is no UTF-8 text']),
        (b'a\n\x1b', b'b', [r"train.txt lists '\x1b'"]),
    ],
)
def test_wrong_lists_are_named_and_never_told_to_be_removed(lists, train, val, words):
    write(lists, train, val)
    with pytest.raises(ValueError) as raised:
        read_split(lists, [set(SPLIT_NAMES)] * 2)
    for word in [*words, 'move']:
        assert word in str(raised.value)


def test_a_list_without_the_other_is_named(lists):
    lists[0].write_text('a')
    with pytest.raises(ValueError, match=r'val\.txt is missing'):
        read_split(lists, [set(SPLIT_NAMES)] * 2)
