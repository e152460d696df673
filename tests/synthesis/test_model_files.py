"""What is loaded of a diffusion model, and what is refused."""

import json

import pytest
import requests
from huggingface_hub import constants
from huggingface_hub.utils import filter_repo_objects

from mmseg_ganaug.synthesis.diffusion.model_files import DiffusersFiles

INDEX = dict(
    _class_name='StableDiffusionInpaintPipeline',
    _diffusers_version='0.28.2',
    feature_extractor=[None, None],
    requires_safety_checker=True,
    safety_checker=['stable_diffusion', 'StableDiffusionSafetyChecker'],
    scheduler=['diffusers', 'DDIMScheduler'],
    text_encoder=['transformers', 'CLIPTextModel'],
    tokenizer=['transformers', 'CLIPTokenizer'],
    unet=['diffusers', 'UNet2DConditionModel'],
)
FILES = {
    'model_index.json': json.dumps(INDEX),
    'scheduler/scheduler_config.json': '{}',
    'text_encoder/config.json': '{}',
    'text_encoder/model.safetensors': 'text weights',
    'tokenizer/vocab.json': '{}',
    'tokenizer/merges.txt': '',
    'unet/config.json': '{"sample_size": 64}',
    'unet/diffusion_pytorch_model.safetensors': 'unet weights',
}
#: What a model of the Hub has beside them.
MORE = (
    'README.md',
    'v1-5-pruned.ckpt',
    'v1-5-pruned.safetensors',
    'safety_checker/config.json',
    'safety_checker/model.safetensors',
    'text_encoder/pytorch_model.bin',
    'text_encoder/model.fp16.safetensors',
    'unet/diffusion_pytorch_model.bin',
    'unet/diffusion_pytorch_model.non_ema.safetensors',
    'unet/my_unet.py',
)


def write(folder, **changes):
    """Writes the files of a model; those that are None are left out."""
    for name, content in {**FILES, **changes}.items():
        if content is not None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    return folder


def files(folder, **options):
    return DiffusersFiles(
        'model', str(folder), None, **{'is_pipeline': True, **options}
    )


@pytest.fixture
def requested(monkeypatch):
    """Addresses that were asked for; there is no network."""
    addresses = []

    def request(self, method, url, **options):
        addresses.append(url)
        raise requests.exceptions.ConnectionError('there is no network')

    monkeypatch.setattr(requests.Session, 'request', request)
    return addresses


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Where the Hub's cache would have the revision 'main' of OWNER/NAME."""
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'cache'))
    model = tmp_path / 'cache' / 'models--OWNER--NAME'
    (model / 'refs').mkdir(parents=True)
    (model / 'refs' / 'main').write_text('0' * 40)
    return model / 'snapshots' / ('0' * 40)


def test_a_folder_is_taken_as_it_is_without_network(tmp_path, requested):
    found = files(write(tmp_path / 'model'))
    assert found.folder == tmp_path / 'model'
    assert found.index == INDEX
    assert found.config('unet') == dict(sample_size=64)
    assert not requested


def test_the_digest_is_of_what_is_loaded(tmp_path):
    digest = files(write(tmp_path / 'a')).digest
    more = dict.fromkeys((*MORE[:-1], 'other/a.bin'), 'more')
    assert files(write(tmp_path / 'b', **more)).digest == digest
    for name in FILES:
        # The same for JSON.
        changed = write(tmp_path / 'b', **{name: FILES[name] + '\n'})
        assert files(changed).digest != digest, name


@pytest.mark.parametrize(
    ('safe', 'pickled'),
    [
        ('unet/diffusion_pytorch_model.safetensors', 'diffusion_pytorch_model.bin'),
        ('unet/diffusion_pytorch_model.safetensors', 'weights.ckpt'),
        ('text_encoder/model.safetensors', 'pytorch_model.bin'),
    ],
)
@pytest.mark.parametrize('other', [{}, {'unet/a.safetensors': '1'}])
def test_pickled_weights_are_refused(tmp_path, safe, pickled, other):
    part = safe.split('/')[0]
    folder = write(tmp_path, **{safe: None, f'{part}/{pickled}': 'weights', **other})
    with pytest.raises(ValueError, match=f'(?s){pickled}.*{part}.*safe_serialization'):
        _ = files(folder).index


@pytest.mark.parametrize('name', ['None.py', 'pipeline.py', 'unet/my_unet.py'])
def test_code_of_a_model_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=f'{name}.*never run'):
        _ = files(write(tmp_path, **{name: 'raise SystemExit'})).index


@pytest.mark.parametrize('library', ['os', 'my_unet', 'onnxruntime.training'])
def test_parts_of_other_libraries_are_refused(tmp_path, library):
    index = json.dumps(dict(INDEX, unet=[library, 'UNet2DConditionModel']))
    with pytest.raises(ValueError, match=f'unet of {library!r}'):
        _ = files(write(tmp_path, **{'model_index.json': index})).index


@pytest.mark.parametrize('kind', ['KandinskyInpaintPipeline', None, ['a', 'B']])
def test_models_of_another_kind_are_refused(tmp_path, kind):
    index = json.dumps(dict(INDEX, _class_name=kind))
    with pytest.raises(ValueError, match='Stable Diffusion'):
        _ = files(write(tmp_path, **{'model_index.json': index})).index


def test_models_without_a_unet_are_refused(tmp_path):
    index = dict(INDEX, _class_name='StableDiffusion3Pipeline')
    index['transformer'] = index.pop('unet')
    files_of_it = {
        name.replace('unet', 'transformer'): content for name, content in FILES.items()
    }
    files_of_it['model_index.json'] = json.dumps(index)
    with pytest.raises(ValueError, match=r'StableDiffusion3Pipeline.*\(1, 2, XL\)'):
        _ = files(write(tmp_path, **files_of_it)).index


@pytest.mark.parametrize('name', [name for name in FILES if 'tokenizer' not in name])
def test_a_missing_file_is_named(tmp_path, name):
    folder = write(tmp_path, **{name: None})
    with pytest.raises(FileNotFoundError) as error:
        _ = files(folder).index
    # A part of one file is missing as a whole.
    assert name.split('/scheduler')[0] in str(error.value)


def test_a_missing_folder_is_not_looked_for_on_the_hub(tmp_path, requested):
    for stated in (str(tmp_path / 'none'), 'OWNER/NAME'):
        with pytest.raises(FileNotFoundError, match='hf://OWNER/NAME'):
            _ = files(stated).folder
    assert not requested


def test_a_file_is_refused_with_the_way_to_convert_it(tmp_path):
    (tmp_path / 'a.safetensors').touch()
    with pytest.raises(ValueError, match='from_single_file'):
        _ = files(tmp_path / 'a.safetensors').folder


def test_a_damaged_index_is_named(tmp_path):
    folder = write(tmp_path, **{'model_index.json': FILES['model_index.json'][:-9]})
    with pytest.raises(ValueError, match=r'model_index\.json is no config'):
        _ = files(folder).index


def test_a_variant_is_taken_and_a_missing_one_named(tmp_path):
    folder = write(tmp_path, **{'text_encoder/model.fp16.safetensors': 'half'})
    with pytest.raises(FileNotFoundError, match=r'diffusion_pytorch_model\.fp16'):
        _ = DiffusersFiles('model', str(folder), 'fp16', is_pipeline=True).index
    write(tmp_path, **{'unet/diffusion_pytorch_model.fp16.safetensors': 'half'})
    halves = DiffusersFiles('model', str(folder), 'fp16', is_pipeline=True)
    assert halves.digest != files(folder).digest


def test_a_single_model_is_its_own_part(tmp_path):
    (tmp_path / 'config.json').write_text('{"in_channels": 4}')
    with pytest.raises(FileNotFoundError, match=r'model\.safetensors'):
        _ = files(tmp_path, is_pipeline=False).index
    (tmp_path / 'diffusion_pytorch_model.safetensors').touch()
    assert files(tmp_path, is_pipeline=False).index == dict(in_channels=4)
    (tmp_path / 'code.py').touch()
    with pytest.raises(ValueError, match='never run'):
        _ = files(tmp_path, is_pipeline=False).index


def test_a_model_of_the_hub_without_network_is_named_with_a_remedy(cache, requested):
    with pytest.raises(FileNotFoundError) as error:
        _ = files('hf://OWNER/NAME').folder
    assert requested and all('OWNER/NAME' in address for address in requested)
    for text in ("model='hf://OWNER/NAME'", 'internet connection', 'copy its folder'):
        assert text in str(error.value)


def test_what_the_cache_of_the_hub_has_needs_no_network(cache, requested, tmp_path):
    write(cache)
    assert files('hf://OWNER/NAME').digest == files(write(tmp_path / 'a')).digest
    assert files(f'hf://OWNER/NAME@{"0" * 40}').folder == cache
    assert not requested
    # The rest of an interrupted download is asked for.
    (cache / 'unet/diffusion_pytorch_model.safetensors').unlink()
    with pytest.raises(FileNotFoundError, match='not whole in the cache'):
        _ = files('hf://OWNER/NAME').folder
    assert requested


@pytest.mark.parametrize('variant', [None, 'fp16'])
def test_only_what_is_loaded_is_downloaded(monkeypatch, tmp_path, variant):
    asked = []

    def download(name, local_files_only, allow_patterns, ignore_patterns, **options):
        asked.append((name, options['revision'], local_files_only))
        if local_files_only:
            raise FileNotFoundError
        there = [*FILES, *MORE, 'unet/diffusion_pytorch_model.fp16.safetensors']
        wanted = filter_repo_objects(
            there, allow_patterns=allow_patterns, ignore_patterns=ignore_patterns
        )
        return write(tmp_path, **{**dict.fromkeys(FILES), **take(wanted)})

    def take(names):
        return {name: FILES.get(name, 'weights') for name in names}

    monkeypatch.setattr('huggingface_hub.snapshot_download', download)
    _ = DiffusersFiles('model', 'hf://OWNER/NAME@v1', variant, is_pipeline=True).index
    assert asked == [('OWNER/NAME', 'v1', True), ('OWNER/NAME', 'v1', False)]
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob('*.*')}
    if variant is None:
        assert names == set(FILES)
    else:
        halves = {name.replace('.safetensors', '.fp16.safetensors') for name in FILES}
        assert names == halves
