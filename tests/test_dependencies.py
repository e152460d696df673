import pytest

from mmseg_ganaug import dependencies


def versions(monkeypatch, **found):
    def version(distribution):
        if distribution not in found:
            raise dependencies.metadata.PackageNotFoundError(distribution)
        return found[distribution]

    monkeypatch.setattr(dependencies.metadata, 'version', version)


def test_version_that_does_not_fit_is_named_with_its_remedy(monkeypatch):
    versions(monkeypatch, mmcv='2.2.0')
    with pytest.raises(dependencies.IncompatibleVersionError) as error:
        dependencies.check_versions(['mmcv'])
    assert 'mmcv 2.2.0 does not fit' in str(error.value)
    assert 'pip install mmcv-lite==2.1.0' in str(error.value)


def test_missing_library_is_an_error_only_where_it_is_needed(monkeypatch):
    versions(monkeypatch)
    assert dependencies.find_problems(['mmcv'], missing_ok=True) == []
    with pytest.raises(dependencies.IncompatibleVersionError, match='not installed'):
        dependencies.check_versions(['mmcv'])


def test_any_of_the_distributions_of_a_library_will_do(monkeypatch):
    versions(monkeypatch, **{'mmcv-lite': '2.1.0', 'onedl-mmengine': '99.0'})
    assert dependencies.find_problems(['mmcv', 'mmengine']) == []
