"""Tiny data sets in the layouts of CamVid, Cityscapes and two folders, made by code."""

import cv2
import numpy as np
from PIL import Image

#: RGB of ground, sky and box in :func:`make_scenes`.
SCENE_COLOURS = np.array([[90, 90, 90], [0, 0, 200], [200, 0, 0]], np.uint8)

CAMVID_CLASSES, CAMVID_IGNORED = 11, 11
# Row by row from the top: sky, building, tree, pavement, road.
CAMVID_GROUND = (0, 1, 5, 4, 3)
CAMVID_OBJECTS = (2, 6, 7, 8, 9, 10)

CITYSCAPES_CLASSES, CITYSCAPES_IGNORED = 19, 255
CITYSCAPES_GROUND = (10, 2, 3, 8, 9, 1, 0)
CITYSCAPES_OBJECTS = (4, 5, 6, 7, *range(11, 19))
# By training id; from 11 on there are instances.
CITYSCAPES_LABEL_IDS = (7, 8, 11, 12, 13, 17, *range(19, 29), 31, 32, 33)


def make_label_map(rng, size, ground, objects, ignored):
    """Bands of the ground, an object of each class in a column, a border of ignore."""
    height, width = size
    label_map = np.empty(size, np.uint8)
    bounds = np.linspace(0, height, len(ground) + 1).astype(int)
    for class_id, top, bottom in zip(ground, bounds, bounds[1:]):
        label_map[top:bottom] = class_id
    column = width // len(objects)
    for place, class_id in enumerate(rng.permutation(objects)):
        # Narrow enough that no object hides another, or a band.
        left = place * column + int(rng.integers(2, column // 3))
        top = int(rng.integers(height // 8, height // 2))
        label_map[top : top + height // 4, left : left + column // 2] = class_id
    label_map[-max(1, height // 60) :] = ignored
    return label_map


def make_photo(rng, label_map):
    """A grey for each class, and another light in each photo."""
    photo = np.repeat(label_map[..., None] * 12, 3, axis=-1)
    return photo + rng.integers(0, 20, 3, dtype=np.uint8)


def write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


def make_camvid(folder, num_train=266, num_val=4, num_files=8):
    """CamVid at its size; every frame shows every class.

    The split has as many lines as that of the real data, since configs count on them;
    the names repeat.
    """
    rng = np.random.default_rng(0)
    names = [f'frame_{number:05d}' for number in range(num_files + num_val)]
    for name in [*(f'train/{name}' for name in names), 'val/frame_00000']:
        label_map = make_label_map(
            rng, (360, 480), CAMVID_GROUND, CAMVID_OBJECTS, CAMVID_IGNORED
        )
        assert len(np.unique(label_map)) == CAMVID_CLASSES + 1
        write(folder / 'annotations' / f'{name}.png', label_map)
        write(folder / 'images' / f'{name}.png', make_photo(rng, label_map))
    train = [names[number % num_files] for number in range(num_train)]
    (folder / 'splits').mkdir()
    for split, lines in (('train', train), ('val', names[num_files:])):
        (folder / 'splits' / f'dev_{split}.txt').write_text('\n'.join(lines) + '\n')


def make_cityscapes(folder, counts=(('train', 4), ('val', 1)), size=(128, 256)):
    """Cityscapes with its instance maps, an eighth as large; every class everywhere."""
    rng = np.random.default_rng(0)
    for split, count in counts:
        for number in range(count):
            label_map = make_label_map(
                rng, size, CITYSCAPES_GROUND, CITYSCAPES_OBJECTS, CITYSCAPES_IGNORED
            )
            assert len(np.unique(label_map)) == CITYSCAPES_CLASSES + 1
            instance_map = label_map.astype(np.uint16)
            for class_id in range(11, CITYSCAPES_CLASSES):
                label_id = CITYSCAPES_LABEL_IDS[class_id]
                instance_map[label_map == class_id] = 1000 * label_id
            to_id = np.zeros(256, np.uint8)
            to_id[:CITYSCAPES_CLASSES] = CITYSCAPES_LABEL_IDS
            name = f'{split}/town/town_{number:06d}_000019'
            write(
                folder / 'leftImg8bit' / f'{name}_leftImg8bit.png',
                make_photo(rng, label_map),
            )
            labels = folder / 'gtFine' / f'{name}_gtFine'
            write(labels.with_name(f'{labels.name}_labelTrainIds.png'), label_map)
            write(labels.with_name(f'{labels.name}_labelIds.png'), to_id[label_map])
            write(labels.with_name(f'{labels.name}_instanceIds.png'), instance_map)


def make_scenes(folder, count=8, colours=None, photo_ending='.jpg'):
    """A ground, a sky and now and then a red box; photos in noisy colours."""
    rng = np.random.default_rng(0)
    for kind in ('photos', 'masks'):
        (folder / kind).mkdir()
    for index in range(count):
        ids = np.zeros((60, 80), np.uint8)
        ids[: rng.integers(20, 30)] = 1
        ids[30:42, 8 * index : 8 * index + 12] = 2
        noise = rng.integers(0, 40, (60, 80, 3), np.uint8)
        mask = ids if colours is None else colours[ids]
        Image.fromarray(SCENE_COLOURS[ids] + noise).save(
            folder / 'photos' / f'{index}{photo_ending}'
        )
        Image.fromarray(mask).save(folder / 'masks' / f'{index}_gt.png')
