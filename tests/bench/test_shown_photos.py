"""Photos where a treatment harmed and helped most, with what was predicted."""

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmseg_ganaug.bench.shown_photos import extremes, photo_differences, show_photos
from mmseg_ganaug.evaluation import RunResult
from mmseg_ganaug.experiments import runner
from mmseg_ganaug.experiments.training_run import TrainingRun
from mmseg_ganaug.ownership import WorkFolder


def run(method, seed, ious):
    """A run whose two classes have these IoUs on each photo; NaN: absent."""
    counts = np.zeros((len(ious), 2, 3), np.int64)
    there = ~np.isnan(ious)
    counts[..., 1:] = np.where(there, 100, 0)[..., None]
    counts[..., 0] = np.where(there, ious, 0)
    extra = dict(on='evaluate', iterations=40, rung=2)
    return RunResult(
        method, seed, 50.0, 50.0, dict(ground=50.0, box=50.0), 'toy', extra, counts
    )


def test_a_photo_changes_by_the_mean_over_its_classes_and_the_seeds():
    nan = np.nan
    plain = [
        run('plain', 0, [[50, 50], [50, nan]]),
        run('plain', 1, [[50, 50], [0, 0]]),
    ]
    ours = [run('x', 1, [[60, 40], [50, 50]]), run('x', 0, [[80, 60], [20, nan]])]
    assert photo_differences(ours, plain).tolist() == [10.0, 10.0]
    assert photo_differences(ours, plain[:1]).tolist() == [20.0, -30.0]
    assert photo_differences(ours, []).tolist() == []


@pytest.mark.filterwarnings('error')
def test_a_photo_without_a_labelled_pixel_was_neither_helped_nor_harmed():
    empty = [[np.nan, np.nan]] * 3
    plain, ours = run('plain', 0, [*empty, [50, 50]]), run('x', 0, [*empty, [60, 60]])
    found = photo_differences([ours], [plain])
    assert found.tolist() == [0, 0, 0, 10]
    assert extremes(found) == [3]


def test_the_worst_come_first_and_no_photo_twice():
    assert extremes(np.array([1.0, -3, 0, 2, -1]), shown=1) == [1, 3]
    assert extremes(np.array([1.0, -3, 0, 2, -1])) == [1, 4, 0, 3]
    assert extremes(np.zeros(4)) == []


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Makes finished trainings, on photos of which tests predict one class alone."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for n in range(4):
        for kind, image in (
            ('photos', rng.integers(0, 256, (20, 800, 3), np.uint8)),
            ('labels', rng.integers(0, 2, (20, 800), np.uint8)),
        ):
            path = tmp_path / kind / f'{n}.png'
            path.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(path), image)
    tested = []

    def run_tool(title, tool, arguments, log_path, environment=None, line=None):
        config, weights, _, out, *_ = map(str, arguments)
        tested.append((config, weights))
        for n in Config.fromfile(config).test_dataloader.dataset.indices:
            path = tmp_path / out / f'{n}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((20, 800), 'x' in config, np.uint8)).save(path)
        return 1.0

    monkeypatch.setattr(runner, 'run_tool', run_tool)
    work = WorkFolder('out', 'bench')
    for name in ('configs', 'photos', 'logs'):
        work.add_folder(work.folder / name)

    def make(name, seed, iterations):
        data = dict(
            type='BaseSegDataset',
            metainfo=dict(classes=['ground', 'box'], palette=[[9, 9, 9], [250, 0, 0]]),
            data_prefix=dict(img_path='photos', seg_map_path='labels'),
            img_suffix='.png',
            seg_map_suffix='.png',
            pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')],
        )
        cfg = Config(
            dict(
                test_dataloader=dict(dataset=data),
                train_cfg=dict(max_iters=iterations),
                work_dir=f'out/runs/{name}',
            )
        )
        return TrainingRun(work.folder / 'configs' / f'{name}.py', cfg, '', work)

    return work, make, tested


def test_pictures_of_photo_truth_before_and_after_are_drawn_once(trained):
    work, make, tested = trained
    runs = [
        run('plain', 0, [[50, 50]] * 4),
        run('x', 0, [[50, 50], [60, 80], [10, 10], [50, 50]]),
    ]
    shown = show_photos(runs, 'x', make, work)
    assert [(each['file'], each['difference']) for each in shown] == [
        ('photos/2.png', -40.0),
        ('photos/1.png', 20.0),
    ]
    pictures = {
        kind: cv2.imread(str(work.folder / shown[0][kind]))
        for kind in ('photo', 'truth', 'before', 'after')
    }
    assert {picture.shape for picture in pictures.values()} == {(9, 360, 3)}
    # Plain predicts ground everywhere, the treatment boxes, which are red.
    redder = pictures['after'].astype(int) - pictures['before']
    assert redder[..., 2].min() > 100
    assert [weights for _, weights in tested] == [
        'out/runs/plain/iter_40.pth',
        'out/runs/x/iter_40.pth',
    ]
    assert show_photos(runs, 'x', make, work) == shown
    assert len(tested) == 2
    # Other photos: drawn again.
    others = [runs[0], run('x', 0, [[60, 60]] * 4)]
    assert len(show_photos(others, 'x', make, work)) == 3
    assert len(tested) == 4


def test_of_two_photos_of_one_name_the_one_that_was_harmed_most_is_shown(
    trained, tmp_path
):
    work, make, _ = trained
    for kind in ('photos', 'labels'):
        image = cv2.imread(str(tmp_path / kind / '3.png'), cv2.IMREAD_UNCHANGED)
        (tmp_path / kind / '3.png').unlink()
        (tmp_path / kind / 'more').mkdir()
        cv2.imwrite(str(tmp_path / kind / 'more' / '2.png'), image[:, :400])
    plain = run('plain', 0, [[50, 50]] * 4)
    ours = run('x', 0, [[50, 50], [60, 80], [10, 10], [20, 20]])
    shown = show_photos([plain, ours], 'x', make, work)
    assert [each['file'] for each in shown] == ['photos/2.png', 'photos/1.png']


def test_nothing_is_shown_where_nothing_changed(trained):
    work, make, tested = trained
    runs = [run('plain', 0, [[50, 50]] * 4), run('x', 0, [[50, 50]] * 4)]
    assert show_photos(runs, 'x', make, work) == []
    assert not tested
