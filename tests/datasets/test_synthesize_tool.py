"""tools/synthesize.py: making, verifying and pruning the samples of a config."""

import importlib.util
from pathlib import Path

import pytest
from conftest import ColourPainter
from mmengine.config import Config

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'synthesize.py'


@pytest.fixture
def run(generated, tmp_path, monkeypatch, capsys):
    """Runs the tool on the config of ``generated``, and gives what it prints."""
    spec = importlib.util.spec_from_file_location('synthesize_tool', TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    def run(*arguments, **changes):
        dataset = dict(generated, **changes)
        config = Config(
            dict(
                train_dataloader=dict(
                    dataset=dict(
                        type='ConcatDataset', datasets=[generated['source'], dataset]
                    )
                )
            )
        )
        path = tmp_path / 'config.py'
        config.dump(path)
        monkeypatch.setattr('sys.argv', ['synthesize.py', str(path), *arguments])
        ColourPainter.batches = 0
        tool.main()
        return capsys.readouterr().out

    return run


def stores(generated):
    return sorted(
        path.parent for path in Path(generated['cache_dir']).glob('*/store.json')
    )


def test_samples_are_made_once(run, generated):
    run()
    assert ColourPainter.batches == 3
    assert len(list(stores(generated)[0].glob('images/*.png'))) == 10
    run()
    assert ColourPainter.batches == 0


def test_damaged_samples_are_found_and_made_anew(run, generated):
    run()
    (store,) = stores(generated)
    photo = store / 'images' / '00000004.png'
    whole = photo.read_bytes()
    photo.write_bytes(whole[: len(whole) // 2])
    run()
    assert photo.read_bytes() != whole  # it is there, and nobody looked into it
    said = run('--verify')
    assert f'{photo} cannot be read' in said
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
    assert len(stores(generated)) == 3
    said = run('--prune', '--yes')
    assert said.count('Removed: ') == 2
    assert len(stores(generated)) == 1
    assert other.is_dir()
    run()
    assert ColourPainter.batches == 0


def test_a_config_without_generated_samples_says_so(run, generated, monkeypatch):
    monkeypatch.setitem(generated, 'type', 'BaseSegDataset')
    with pytest.raises(SystemExit, match='trains on no GANRecomposeDataset'):
        run()
