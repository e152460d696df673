"""Four masks of given values, and photos beside them."""

import numpy as np
from PIL import Image

from mmseg_ganaug.own_data.class_list import read_class_list
from mmseg_ganaug.own_data.classes import match_classes
from mmseg_ganaug.own_data.mask_survey import survey_masks
from mmseg_ganaug.own_data.pairs import pair_folders


class Folder:
    """Four masks with rectangles of the given values, and photos beside them."""

    def __init__(self, path):
        self.path = path

    def make(self, values, mode='L', palettes=None):
        rng = np.random.default_rng(0)
        for index in range(4):
            ids = np.repeat(np.repeat(rng.integers(0, len(values), (4, 5)), 4, 0), 4, 1)
            ids[0:4, 0 : 4 * len(values)] = np.arange(len(values)).repeat(4)[:20]
            array = np.array(values, np.uint8)[ids]
            image = Image.fromarray(array)
            if palettes:
                image = Image.frombytes('P', image.size, image.tobytes())
                image.putpalette(palettes[index % len(palettes)])
            self.save('masks', index, image)
            photo = rng.integers(0, 256, (*ids.shape, 3), np.uint8)
            self.save('photos', index, Image.fromarray(photo))
        return self

    def save(self, kind, index, image):
        path = self.path / kind / f'{index}.png'
        path.parent.mkdir(exist_ok=True)
        image.save(path)

    def pairs(self):
        return pair_folders(self.path / 'photos', self.path / 'masks').pairs

    def survey(self, listed=None):
        return survey_masks(self.pairs(), self.path / 'kept.json', listed)

    def match(self, text):
        path = self.path / 'list.txt'
        path.write_text(text)
        listed = read_class_list(path)
        return match_classes(self.survey(listed), listed)
