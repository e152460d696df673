"""ganaug synthesize: making, verifying and pruning the samples of a config."""

import hashlib
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS
from painters import ColourPainter

from mmseg_ganaug.commands import main
from mmseg_ganaug.synthesis import find_stores
from mmseg_ganaug.synthesis.claims import StoreLocks

TESTS = Path(__file__).resolve().parents[1]
KINDS = ('images', 'labels')
TOOL = TESTS.parent / 'tools' / 'synthesize.py'


@pytest.fixture
def run(generated, tmp_path, capsys):
    """Runs the tool on the config of ``generated``, and gives what it prints."""

    def run(*arguments, beside=None, also=(), **changes):
        """``also``: more data sets of the training; ``beside``: more of the config."""
        datasets = [generated['source'], dict(generated, **changes), *also]
        train = dict(dataset=dict(type='ConcatDataset', datasets=datasets))
        config = Config(dict(train_dataloader=train, **(beside or {})))
        path = tmp_path / 'config.py'
        config.dump(path)
        ColourPainter.batches = 0
        try:
            main(['synthesize', str(path), *arguments])
        finally:
            captured = capsys.readouterr()
            run.said = captured.out + captured.err
        return run.said

    return run


def stores(generated):
    return sorted(find_stores(generated['cache_dir']))


def contents(folder):
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in Path(folder).rglob('*')
        if path.is_file()
    }


def test_samples_are_made_once(run, generated):
    run()
    assert ColourPainter.batches == 3
    assert len(list(stores(generated)[0].glob('images/*.png'))) == 10
    run()
    assert ColourPainter.batches == 0


def test_a_dry_run_estimates_and_writes_no_sample(run, generated, tmp_path):
    said = run('--dry-run')
    assert ColourPainter.batches == 1  # of three
    assert not stores(generated)
    assert '10 samples, 0 of them are in ' in said
    assert '10 to be made: about 0.' in said
    assert '% of pixels before' in said
    assert f'make them:  ganaug synthesize {tmp_path}/config.py\n' in said
    said = run()
    assert f'ganaug browse {tmp_path}/config.py --kind generated\n' in said
    assert f'ganaug train {tmp_path}/config.py\n' in said
    said = run('--dry-run')
    assert ColourPainter.batches == 0
    assert '10 samples, 10 of them are in ' in said
    assert '0 to be made: about 0.0 minutes, 0 MiB' in said


def test_a_dry_run_counts_what_is_missing(run, generated):
    run()
    (store,) = stores(generated)
    sizes = [
        sum((store / kind / f'{i:08d}.png').stat().st_size for kind in KINDS)
        for i in (3, 4)
    ]
    for i in (3, 4):
        (store / 'images' / f'{i:08d}.png').unlink()
    before = contents(store)
    found = DATASETS.build(dict(generated, lazy_init=True)).generation.estimate()
    assert (found.samples, found.missing) == (10, 2)
    assert found.num_bytes == sum(sizes)
    assert found.seconds > 0
    assert contents(store) == before


def test_damaged_samples_are_found_and_made_again(run, generated):
    run()
    (store,) = stores(generated)
    photo = store / 'images' / '00000004.png'
    whole = photo.read_bytes()
    photo.write_bytes(whole[: len(whole) // 2])
    run()
    assert photo.read_bytes() != whole  # it is there, and nobody looked into it
    said = run('--verify')
    assert f'{photo} is damaged: it is truncated' in said
    assert '1 damaged samples removed' in said
    assert photo.read_bytes() == whole
    assert ColourPainter.batches == 1


def test_stores_that_the_config_does_not_use_are_pruned(run, generated):
    run(seed=1)
    run(composite='changed')
    run()
    assert len(stores(generated)) == 3
    other = Path(generated['cache_dir']) / 'not a store'
    other.mkdir()
    with pytest.raises(SystemExit, match='--yes'):
        run('--prune')
    assert run.said.count('Not used by this config: ') == 2
    assert run.said.count('MiB)') == 2
    assert len(stores(generated)) == 3
    said = run('--prune', '--yes')
    assert said.count('Removed: ') == 2
    assert len(stores(generated)) == 1
    assert len([path for path in other.parent.iterdir() if path.is_dir()]) == 2
    run()
    assert ColourPainter.batches == 0


def test_a_folder_of_the_user_is_no_store_whatever_its_files_are_called(run, generated):
    folder = Path(generated['cache_dir']) / 'mine'
    (folder / 'images').mkdir(parents=True)
    (folder / 'store.json').write_text('{"mine": 1}')
    (folder / 'ganaug.json').write_text('{"mine": 2}')
    (folder / 'images' / '00000000.png').write_text('my photo')
    before = contents(folder)
    assert 'nothing to prune' in run('--prune', '--yes')
    assert contents(folder) == before


def test_foreign_files_in_a_store_stay_and_are_named(run, generated):
    run(seed=1)
    (store,) = stores(generated)
    mine = [
        store / 'notes.txt',
        store / 'images' / 'thumb.png',
        store / 'images' / '00000000 (1).png',
        store / 'labels' / 'sub' / '00000000.png',
        store / 'mine' / 'file',
    ]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_text(path.name)
    outside = Path(generated['cache_dir']) / 'outside.png'
    outside.write_text('outside')
    (store / 'images' / '00000001.png').unlink()
    (store / 'images' / '00000001.png').symlink_to(outside)
    with pytest.raises(SystemExit) as caught:
        run('--prune', '--yes')
    assert caught.value.code == 2
    assert set(contents(store)) == {*mine, store / 'images' / '00000001.png'}
    for path in (*mine[:3], store / 'labels' / 'sub', store / 'mine'):
        assert f'left in place: {path}\n' in run.said
    assert outside.read_text() == 'outside'
    # No store any more.
    assert 'nothing to prune' in run('--prune', '--yes')


def test_one_cache_folder_named_in_several_ways_is_one_place(
    run, generated, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    cache = Path(generated['cache_dir'])
    cache.mkdir()
    (tmp_path / 'link').symlink_to(cache)
    ways = [str(cache), cache.name, f'./img/../{cache.name}', 'link', f'{cache}/']
    run(cache_dir='link', seed=9)
    also = [dict(generated, seed=n, cache_dir=way) for n, way in enumerate(ways)]
    said = run('--prune', '--yes', also=also, cache_dir='link')
    assert said.count('Removed: ') == 1
    assert len(stores(generated)) == len(ways)
    assert 'nothing to prune' in run('--prune', '--yes', also=also[::-1])
    assert (tmp_path / 'link').is_symlink()


def test_stores_of_data_sets_elsewhere_in_the_config_are_kept(run, generated):
    for seed in range(1, 5):
        run(seed=seed)
    beside = dict(
        val_dataloader=dict(dataset=dict(generated, seed=1)),
        variable=[dict(type='RepeatDataset', dataset=dict(generated, seed=2))],
        online=dict(type='RecomposeLabels', source=dict(generated, seed=3)),
    )
    said = run('--prune', '--yes', beside=beside)
    assert said.count('Removed: ') == 1
    assert len(stores(generated)) == 4


def test_nothing_is_pruned_where_it_is_not_known_what_the_config_uses(run, generated):
    run(seed=1)
    template = dict(type='GANRecomposeDataset', cache_dir='elsewhere')
    with pytest.raises(SystemExit) as caught:
        run('--prune', '--yes', beside=dict(template=template))
    assert caught.value.code == 2
    assert 'Nothing was pruned: the config holds' in run.said
    assert "cache_dir='elsewhere'" in run.said
    assert len(stores(generated)) == 2


def test_a_store_that_another_process_fills_is_left_alone_and_named(run, generated):
    run(seed=1)
    (busy,) = stores(generated)
    run(seed=2)
    before = contents(busy)
    with StoreLocks(busy).filling(lambda: None):
        said = run('--prune', '--yes')
    assert f'{busy} is left alone: another process fills it' in said
    assert said.count('Removed: ') == 1
    assert contents(busy) == before
    assert run('--prune', '--yes').count('Removed: ') == 1


def test_a_folder_in_the_way_is_named_and_left(run, generated):
    run()
    (store,) = stores(generated)
    (store / 'ganaug.json').unlink()
    (store / 'images' / '00000000.png').unlink()
    (store / 'mine.txt').write_text('mine')
    before = contents(store)
    with pytest.raises(SystemExit) as caught:
        run()
    assert caught.value.code == 2
    assert 'mine.txt' in run.said
    assert 'cache_dir' in run.said
    assert contents(store) == before


def test_a_config_without_generated_samples_says_so(run, generated, monkeypatch):
    monkeypatch.setitem(generated, 'type', 'BaseSegDataset')
    with pytest.raises(SystemExit, match='trains on no GANRecomposeDataset'):
        run()


def test_a_cache_folder_that_cannot_be_made_is_named(run, tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(SystemExit, match=str(tmp_path / 'file')):
        run(cache_dir=str(tmp_path / 'file'))


READ_ONLY = """
import runpy, sys
sys.path.insert(0, sys.argv.pop(1))
import painters  # registers them
sys.argv[0] = sys.argv.pop(1)
runpy.run_path(sys.argv[0], run_name='__main__')
"""


@pytest.mark.parametrize('complete', [True, False])
def test_a_cache_on_a_read_only_disk_is_used_when_it_is_complete(
    run, generated, tmp_path, complete
):
    run()
    (store,) = stores(generated)
    if not complete:
        (store / 'images' / '00000004.png').unlink()
    before = contents(tmp_path)
    mount = (
        f'mount --bind {tmp_path} {tmp_path} && '
        f'mount -o remount,ro,bind {tmp_path} {tmp_path}'
    )
    unshare = ['unshare', '--mount', '--map-root-user', 'sh', '-c']
    try:
        tried = subprocess.run([*unshare, mount], capture_output=True, timeout=60)
    except FileNotFoundError:
        pytest.skip('there is no unshare')
    if tried.returncode:
        pytest.skip(f'nothing can be mounted here: {tried.stderr.decode()}')
    command = [sys.executable, '-c', READ_ONLY, str(TESTS), str(TOOL)]
    arguments = [str(tmp_path / 'config.py'), '--verify', '--prune', '--yes']
    done = subprocess.run(
        [*unshare, f'{mount} && {shlex.join([*command, *arguments])}'],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert contents(tmp_path) == before
    assert 'Traceback' not in done.stderr
    if complete:
        assert done.returncode == 0, done.stderr
        assert f'10 samples in {store}' in done.stdout
    else:
        assert done.returncode == 1
        assert f'generated samples cannot be stored in {store}' in done.stderr
