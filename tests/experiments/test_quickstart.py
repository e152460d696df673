"""The quickstart from data to report, with tools that only pretend."""

import hashlib
import html
import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

import mmseg_ganaug.datasets
from mmseg_ganaug.config_search import find_shipped
from mmseg_ganaug.experiments import runner
from mmseg_ganaug.experiments.quickstart import Quickstart, ShippedData
from mmseg_ganaug.in_the_way import InTheWayError
from mmseg_ganaug.own_data.prepare import FolderData
from mmseg_ganaug.registry import GENERATORS
from mmseg_ganaug.toy_streets import make_toy_streets


class GreyPainter:
    """Stands for the trained generator: paints each class in its grey."""

    ignore_index = 255
    uses_instances = False

    def __init__(self, config, checkpoint):
        self.scale = tuple(Config.fromfile(config).scale)

    def fingerprint(self):
        return hashlib.sha256(b'grey').hexdigest()

    def check(self, num_classes, has_instances):
        pass

    def load(self):
        pass

    def release(self):
        pass

    def paint(self, label_maps, instance_maps=None):
        return np.repeat(label_maps[..., None] * 20, 3, axis=-1)


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """The tools that were run, in a folder of its own, with their arguments."""
    tools = []

    def run_tool(title, tool, arguments, log_path):
        tools.append((title, tool, arguments))
        if tool == 'tools/train.py':
            pretend_to_train(arguments[0])
        if tool == 'tools/test.py':
            config, *_, folder = arguments
            classes = Config.fromfile(config).get('classes')
            names = classes or STREETS
            metrics = {'mIoU': 40.0, 'aAcc': 80.0}
            metrics.update({f'IoU.{name}': 40.0 for name in names})
            path = Path(folder) / '2026' / 'metrics.json'
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps(metrics))
        if tool.endswith('toy_streets.py'):
            make_toy_streets(arguments[0], num_train=4, num_val=1, size=(64, 128))
        return 1.0

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runner, 'run_tool', run_tool)
    monkeypatch.setitem(GENERATORS._module_dict, 'MMagicGenerator', GreyPainter)
    return tools


def pretend_to_train(config):
    """Leaves what MMEngine leaves in a work dir."""
    cfg = Config.fromfile(config)
    folder = Path(cfg.work_dir)
    folder.mkdir(parents=True, exist_ok=True)
    cfg.dump(folder / Path(config).name)
    weights = folder / f'iter_{cfg.train_cfg.max_iters}.pth'
    weights.write_bytes(b'weights')
    (folder / 'last_checkpoint').write_text(str(weights))


STREETS = mmseg_ganaug.datasets.ToyStreetsDataset.METAINFO['classes']


def make_folders(count=6):
    rng = np.random.default_rng(0)
    for index in range(count):
        ids = np.zeros((48, 64), np.uint8)
        ids[:24] = 255
        ids[24:36, 8 * index : 8 * index + 12] = 128
        photo = rng.integers(0, 256, (48, 64, 3), np.uint8)
        for kind, array in (('photos', photo), ('masks', ids)):
            path = Path(kind) / f'{index}.png'
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(array).save(path)


def tools_of(ran):
    return [Path(tool).stem for _, tool, _ in ran]


TRAINED = ['train', 'train', 'test', 'synthesize', 'train', 'test']


def test_own_data_goes_through_all_stages_to_the_report(ran):
    make_folders()
    report = Quickstart(FolderData('photos', 'masks', work_dir='out')).run()
    assert tools_of(ran) == ['label_distribution', *TRAINED]
    assert [title[:5] for title, _, _ in ran] == [f'[{n}/7]' for n in range(1, 8)]
    configs = [Path(arguments[0]).stem for _, _, arguments in ran]
    assert configs == [
        *('pspnet_recon', 'generator', 'pspnet_plain', 'pspnet_plain'),
        *('pspnet_recon', 'pspnet_recon', 'pspnet_recon'),
    ]
    shown = report.read_text()
    for text in (
        'photos',
        'Classes found in 6 masks',
        'class_128',
        'at random',
        'recon',
    ):
        assert text in shown
    assert shown.count('<img') == 3
    runs = json.loads(Path('out/results.json').read_text())['runs']
    assert [(run['method'], run['protocol']) for run in runs] == [
        ('plain', 'photos'),
        ('recon', 'photos'),
    ]
    assert len(list(Path('out').glob('label_maps/*.png'))) == 6
    ran.clear()
    Quickstart(FolderData('photos', 'masks', work_dir='out')).run()
    assert tools_of(ran) == ['label_distribution', 'test', 'synthesize', 'test']
    # Other photos to train on: all trainings begin again.
    Path('out/splits/train.txt').write_text('0\n1\n2\n3\n')
    Path('out/splits/val.txt').write_text('4\n')
    ran.clear()
    Quickstart(FolderData('photos', 'masks', work_dir='out')).run()
    assert tools_of(ran) == ['label_distribution', *TRAINED]


def test_toy_streets_goes_through_all_stages_to_the_report(ran):
    data = ShippedData(work_dir='runs', generator_iters=30, segmenter_iters=20, seed=3)
    report = Quickstart(data).run()
    assert report == Path('runs/quickstart-toystreets/report.html')
    assert tools_of(ran) == ['toy_streets', *TRAINED]
    configs = [Config.fromfile(arguments[0]) for _, _, arguments in ran[1:]]
    generator, plain, _, mixed, *_ = configs
    assert generator.train_cfg.max_iters == 30
    assert generator.randomness.seed == 3
    assert plain.train_cfg.max_iters == 20
    (generated,) = [
        part
        for part in mixed.train_dataloader.dataset.datasets
        if part.type.endswith('GANRecomposeDataset')
    ]
    assert generated.generator.checkpoint == generator.work_dir
    assert generated.source.data_root == 'data/toy_streets'
    ran.clear()
    Quickstart(data).run()
    assert tools_of(ran) == ['toy_streets', 'test', 'synthesize', 'test']


def test_the_report_lists_the_commands_that_do_the_same(ran):
    report = Quickstart(ShippedData(work_dir='runs', seed=3)).run()
    shown = html.unescape(report.read_text())
    assert len(ran) == 7
    for _, tool, arguments in ran:
        command = shlex.join(['python', str(find_shipped(tool)), *arguments])
        assert f'{command}\n' in shown or f'{command}<' in shown
        assert Path(command.split()[1]).is_file()
    for text in ('Times', 'train PSPNet on real + recon', 'torch'):
        assert text in shown


def test_results_say_what_was_run_and_where(ran):
    Quickstart(ShippedData(work_dir='runs')).run()
    plain, recon = json.loads(
        Path('runs/quickstart-toystreets/results.json').read_text()
    )['runs']
    assert Path(recon['config']).is_file()
    assert recon['seconds'] == {'synthesize': 1.0, 'train': 1.0, 'test': 1.0}
    assert set(plain['seconds']) == {'train', 'test'}
    assert {'config_hash', 'device', 'versions'} <= set(plain)


def test_only_what_another_generator_changes_is_trained_again(ran, capsys):
    def run(iters):
        data = ShippedData(work_dir='runs', generator_iters=iters, segmenter_iters=20)
        Quickstart(data).run()

    run(30)
    ran.clear()
    capsys.readouterr()
    run(60)
    # The generator goes on; the segmenter that saw other samples is kept.
    (folder,) = Path('runs/quickstart-toystreets').glob('pix2pixhd*')
    assert {path.name for path in folder.glob('*.pth')} == {
        'iter_30.pth',
        'iter_60.pth',
    }
    (kept,) = Path('runs/quickstart-toystreets').glob('*.before-*')
    assert 'recon' in kept.name and (kept / 'iter_20.pth').is_file()
    trained = [Path(args[0]).stem for _, tool, args in ran if tool == 'tools/train.py']
    assert [name.split('_')[0] for name in trained] == ['pix2pixhd', 'pspnet']
    assert 'recon' in trained[1]
    printed = capsys.readouterr().out
    assert 'train PSPNet on real photos: done before' in printed
    assert str(kept) in printed


def test_a_missing_data_set_is_named(ran):
    with pytest.raises(FileNotFoundError, match='nowhere does not exist'):
        Quickstart(ShippedData('camvid', data_root='nowhere')).run()


def snapshot():
    return {path: path.read_bytes() for path in Path().rglob('*') if path.is_file()}


@pytest.mark.parametrize('is_own', [False, True])
def test_all_files_of_the_user_are_named_and_nothing_is_begun(ran, is_own):
    if is_own:
        make_folders()
        data = FolderData('photos', 'masks', work_dir='work')
        inside = ['generator/mine.pth', 'pspnet_recon/1.txt', 'configs/dataset.py']
        inside += ['masks.json', 'label_maps/1.png', 'label_distribution/1.txt']
    else:
        data = ShippedData(work_dir='runs')
        trainings = [path.stem for path in data.config_paths().values()]
        inside = [f'{name}/mine.pth' for name in trainings[:2]]
    work = data.work.folder
    inside += ['report.html', 'results.json', 'results.md', 'class_iou.png']
    inside += ['gallery_recon.png', 'logs/01.log']
    files = [work / name for name in inside]
    if not is_own:
        files.append(Path('data/toy_streets/annotations/val/val_00000.png'))
    for path in [*files, work / 'notes.txt', work / 'configs' / 'mine.py']:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('precious')
    before = snapshot()
    with pytest.raises(InTheWayError) as caught:
        Quickstart(data).run()
    # A folder is named once, for all that is in it.
    flat = {work, work / 'configs', Path('data/toy_streets/annotations/val')}
    named = {path if path.parent in flat else path.parent for path in files}
    assert set(caught.value.paths) == named
    assert all(str(path) in str(caught.value) for path in named)
    assert ('--data-root' in str(caught.value)) != is_own
    assert snapshot() == before
    assert ran == []


def test_trainings_by_hand_with_our_configs_are_used(ran):
    make_folders()
    data = FolderData('photos', 'masks', work_dir='out')
    configs = data.write_configs()
    for name in ('generator', 'plain'):
        pretend_to_train(configs[name])
    weights = Path('out/generator/iter_4000.pth')
    weights.write_bytes(b'by hand')
    Quickstart(FolderData('photos', 'masks', work_dir='out')).run()
    trained = [Path(args[0]).stem for _, tool, args in ran if tool == 'tools/train.py']
    assert trained == ['pspnet_recon']
    assert weights.read_bytes() == b'by hand'


def test_another_training_by_hand_is_in_the_way_before_anything_is_run(ran):
    data = ShippedData(work_dir='runs')
    config = data.write_configs()['generator']
    other = Path('other') / config.name
    other.parent.mkdir()
    other.write_text(config.read_text() + 'more = 1\n')
    pretend_to_train(other)
    with pytest.raises(InTheWayError, match='pix2pixhd'):
        Quickstart(ShippedData(work_dir='runs')).run()
    assert ran == []


def test_results_that_were_edited_are_kept_beside(ran, capsys):
    data = ShippedData(work_dir='runs', generator_iters=30, segmenter_iters=20)
    report = Quickstart(data).run()
    report.write_text('my remarks')
    Quickstart(data).run()
    (kept,) = report.parent.glob('report.html.before-*')
    assert kept.read_text() == 'my remarks'
    assert str(kept) in capsys.readouterr().out
    assert 'recon' in report.read_text()


@pytest.mark.parametrize('root', ['{{$HOME:x}}', '$TOKEN', '{{ fileDirname }}'])
def test_templates_in_paths_are_left_as_they_are(ran, root):
    data = ShippedData(data_root=root, work_dir=f'{root} runs')
    configs = data.write_configs()
    for path in configs.values():
        cfg = Config.fromfile(path)
        assert cfg.work_dir == str(data.work.folder / path.stem)
    assert cfg.generated.source.data_root == root
    assert cfg.generated.generator.config == str(configs['generator'])
