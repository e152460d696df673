"""Installs the package beside sets of library versions and runs tests in each.

    python tools/misc/compatibility_matrix.py                  # every set
    python tools/misc/compatibility_matrix.py py39 py312-forks --tests tests/models

Leaves `results.json` and `results.md` in the work dir. The Python versions have to be
on the PATH. uv is used where it is installed, which is faster, else venv and pip. A
set takes about 6 GB and is deleted after its tests.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

from mmseg_ganaug.files import write_atomically

ROOT = Path(__file__).resolve().parents[2]
SHOWN = ('torch', 'numpy', 'opencv-python', 'mmengine', 'mmcv', 'mmsegmentation')


class Environment(NamedTuple):
    """One set: a Python, versions to hold to, and whose MMEngine, mmcv and MMSeg."""

    python: str
    constraints: Tuple[str, ...] = ()
    forks: bool = False


ENVIRONMENTS: Dict[str, Environment] = {
    'py310-torch2.1': Environment('3.10', ('torch==2.1.*', 'numpy==1.26.*')),
    'py312-newest': Environment('3.12', ('numpy>=2',)),
    'py311-torch2.6': Environment('3.11', ('torch==2.6.*', 'numpy==1.26.*')),
    'py312-forks': Environment('3.12', forks=True),
    'py39': Environment('3.9'),
    'py313-newest': Environment('3.13', ('numpy>=2',)),
}


def requirements(forks: bool) -> Tuple[str, str]:
    """Writes requirement files: to install with dependencies, and without.

    Args:
        forks (bool): Whether to take the maintained forks, which come as onedl-*.
    """
    folder = ROOT / 'requirements'
    runtime, separate = (
        ''.join((folder / f'{name}.txt').read_text() for name in names)
        for names in (('runtime', 'diffusion', 'gan', 'dev'), ('lite', 'mminstall'))
    )
    if forks:
        # The ranges are those of the stock libraries.
        stock = re.compile(r'(?m)^(mmengine|mmsegmentation|mmcv)(-lite)?\b.*$')
        runtime, separate = (stock.sub(r'onedl-\1', t) for t in (runtime, separate))
    return runtime, separate


def install(environment: Environment, folder: Path) -> Path:
    """Makes an environment as the README says.

    Returns:
        Path: Its Python.
    """
    python = folder / 'bin' / 'python'
    interpreter = shutil.which(f'python{environment.python}')
    if not interpreter:
        raise FileNotFoundError(f'there is no python{environment.python} on the PATH')
    if shutil.which('uv'):
        subprocess.check_call(['uv', 'venv', '--python', interpreter, folder])
        pip = ['uv', 'pip', 'install', '--python', python]
    else:
        subprocess.check_call([interpreter, '-m', 'venv', folder])
        pip = [python, '-m', 'pip', 'install']
    files = []
    texts = (*requirements(environment.forks), '\n'.join(environment.constraints))
    for name, text in zip(('runtime', 'separate', 'constraints'), texts):
        files.append(folder / f'{name}.txt')
        files[-1].write_text(text)
    runtime, separate, constraints = files
    subprocess.check_call([*pip, '-c', constraints, '-r', runtime])
    subprocess.check_call([*pip, '--no-deps', '-c', constraints, '-r', separate])
    subprocess.check_call([*pip, '--no-deps', '--no-build-isolation', '-e', ROOT])
    return python


def run_tests(python: Path, arguments: List[str], report: Path) -> Dict[str, object]:
    """Runs pytest and counts.

    Returns:
        dict: ``passed``, ``failed``, ``skipped`` and the names of those that failed.
    """
    command = [python, '-m', 'pytest', '-q', f'--junitxml={report}', *arguments]
    subprocess.call(list(map(str, command)), cwd=ROOT)
    return count(report)


def ask_doctor(python: Path, report: Path) -> str:
    """Runs ``ganaug doctor``, whose self-test does real work in each part.

    Returns:
        str: How many checks went well; names those that found a problem.
    """
    command = [python, '-m', 'mmseg_ganaug.doctor', '--json']
    report.write_bytes(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE).stdout)
    try:
        checks = json.loads(report.read_text())['checks']
    except ValueError:
        return 'did not start'
    wrong = [check['name'] for check in checks if check['status'] == 'problem']
    return ', '.join([f'{len(checks) - len(wrong)} of {len(checks)}', *wrong])


def count(report: Path) -> Dict[str, object]:
    """Reads what pytest left in its JUnit file."""
    if not report.is_file():
        return dict(passed=0, failed=1, skipped=0, failures=['pytest did not start'])
    skipped, failures, total = 0, [], 0
    for case in ElementTree.parse(str(report)).iter('testcase'):
        total += 1
        outcomes = {child.tag for child in case}
        skipped += 'skipped' in outcomes
        if outcomes & {'failure', 'error'}:
            failures.append(f'{case.get("classname")}::{case.get("name")}')
    return dict(
        passed=total - skipped - len(failures),
        failed=len(failures),
        skipped=skipped,
        failures=failures,
    )


def versions(python: Path) -> Dict[str, str]:
    """Lists the versions of all installed distributions, by name."""
    code = (
        'import json, platform; from importlib import metadata\n'
        'found = {d.metadata["Name"].lower(): d.version '
        'for d in metadata.distributions()}\n'
        'print(json.dumps({"python": platform.python_version(), **found}))'
    )
    return json.loads(subprocess.check_output([python, '-c', code]))


def table(results: Dict[str, dict]) -> str:
    """Returns the rows of a Markdown table: one per environment."""
    heads = ['Environment', 'Python', *SHOWN, 'doctor', 'passed', 'failed', 'skipped']
    lines = ['| ' + ' | '.join(heads) + ' |', '|' + ' --- |' * len(heads)]
    for name, result in results.items():
        found = result.get('versions', {})
        cells = [name, found.get('python', '')]
        for library in SHOWN:
            given = [
                f'{prefix}{found[prefix + library + suffix]}{suffix}'
                for prefix in ('', 'onedl-')
                for suffix in ('', '-lite')
                if prefix + library + suffix in found
            ]
            cells.append(', '.join(given) or '-')
        cells.append(result.get('doctor', '-'))
        cells += [str(result[key]) for key in ('passed', 'failed', 'skipped')]
        lines.append('| ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + '\n'


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        'names',
        nargs='*',
        metavar='NAME',
        help=f'which of {", ".join(ENVIRONMENTS)} (default: all)',
    )
    parser.add_argument(
        '--tests',
        nargs='+',
        default=['tests'],
        help='what to hand to pytest (default: tests)',
    )
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=Path('work_dirs/matrix'),
        help='folder of environments and results (default: %(default)s)',
    )
    parser.add_argument(
        '--keep', action='store_true', help='leave the environments where they are'
    )
    args = parser.parse_args()
    unknown = sorted(set(args.names) - set(ENVIRONMENTS))
    if unknown:
        parser.error(f'there is no {unknown[0]}: {", ".join(ENVIRONMENTS)}')
    return args


def main() -> None:
    """Goes through the environments; what was done before in the work dir is kept."""
    args = parse_args()
    kept = args.work_dir / 'results.json'
    results = json.loads(kept.read_text()) if kept.exists() else {}
    for name in args.names or ENVIRONMENTS:
        folder = (args.work_dir / name).resolve()
        shutil.rmtree(folder, ignore_errors=True)
        started = time.time()
        try:
            python = install(ENVIRONMENTS[name], folder)
            doctor = ask_doctor(python, folder / 'doctor.json')
            result = run_tests(python, args.tests, folder / 'junit.xml')
            result['doctor'] = doctor
            result['versions'] = versions(python)
        except (subprocess.CalledProcessError, FileNotFoundError) as error:
            result = dict(passed=0, failed=1, skipped=0, failures=[str(error)])
        result.update(tests=args.tests, seconds=round(time.time() - started))
        results[name] = result
        write_atomically(kept, json.dumps(results, indent=1))
        write_atomically(args.work_dir / 'results.md', table(results))
        if not args.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(table(results))
    sys.exit(any(results[name]['failed'] for name in args.names or ENVIRONMENTS))


if __name__ == '__main__':
    main()
