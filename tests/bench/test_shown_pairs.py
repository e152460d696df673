"""Generated pairs in the report."""

from pathlib import Path

import cv2
from tiny_data import make_scenes

from mmseg_ganaug.bench.finding import Pictures
from mmseg_ganaug.bench.inputs import folders_config, read_inputs
from mmseg_ganaug.bench.shown_pairs import show_pairs
from mmseg_ganaug.bench.trainings import Trainings
from mmseg_ganaug.ownership import WorkFolder


def test_pairs_of_the_treatments_that_have_some_are_drawn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_scenes(tmp_path, count=20)
    work = WorkFolder(Path('out'), 'bench')
    config = folders_config(work, work.folder / 'data', 'photos', 'masks')
    trainings = Trainings(read_inputs(config, work.folder / 'cache'), work)
    made = {
        name: trainings.make(name, 0, 2, 1)
        for name in ('plain', 'class-weights-sqrt', 'real-pixels')
    }

    pairs = show_pairs(made, Pictures(work.folder / 'figures'))

    assert pairs == [
        dict(treatment='real-pixels', picture='figures/pairs-real-pixels.png')
    ]
    sheet = cv2.imread(str(work.folder / pairs[0]['picture']))
    # Four samples of four pictures, and no empty sheet.
    assert min(sheet.shape[:2]) > 200 and sheet.std() > 20
