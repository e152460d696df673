"""No test waits for ever, and no code forks a process that has threads."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TESTS = sorted((ROOT / 'tests').rglob('*.py'))
CODE = [
    path
    for folder in ('mmseg_ganaug', 'tools', 'benchmarks')
    for path in sorted((ROOT / folder).rglob('*.py'))
]
STARTS = {'run', 'call', 'check_call', 'check_output'}
WITHOUT_LIMIT = {'os.system', 'os.popen', 'subprocess.getoutput', 'os.waitpid'}
# Without arguments they wait for ever: of processes, threads, queues and events.
WAITS = {'wait', 'communicate', 'join', 'get', 'result'}
# On Linux, Python 3.11 forks unless it is told another way.
FORKS = {
    'os.fork',
    'os.forkpty',
    'pty.fork',
    'multiprocessing.Process',
    'multiprocessing.Pool',
    'multiprocessing.Queue',
    'multiprocessing.Manager',
}
METHODS = {'spawn', 'forkserver'}


def calls(text):
    """The calls in Python code: the dotted name, the node, names of its keywords."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            keywords = {keyword.arg for keyword in node.keywords}
            yield ast.unparse(node.func), node, keywords


def waits_for_ever(text):
    """Finds calls that start a process, or wait for one, without a limit."""
    found = []
    for name, node, keywords in calls(text):
        first, _, last = name.rpartition('.')
        unlimited = 'timeout' not in keywords and None not in keywords
        if (
            (first == 'subprocess' and last in STARTS and unlimited)
            or (last in WAITS and first and not node.args and unlimited)
            or (last == 'init_process_group' and unlimited)
            or name in WITHOUT_LIMIT
        ):
            found.append(f'line {node.lineno}: {name}')
    return found


def forks(text):
    """Finds calls that fork this process, or may do so."""
    found = []
    for name, node, keywords in calls(text):
        last = name.rpartition('.')[2]
        method = node.args[0] if node.args else None
        literal = isinstance(method, ast.Constant)
        context = 'mp_context' in keywords
        if (
            name in FORKS
            or 'preexec_fn' in keywords
            # A variable is allowed: it was chosen from what there is.
            or (last == 'get_context' and literal and method.value not in METHODS)
            or (last == 'get_context' and method is None)
            or (last == 'ProcessPoolExecutor' and not (node.args[1:] or context))
        ):
            found.append(f'line {node.lineno}: {name}')
    return found


def found_in(paths, find):
    found = {str(path.relative_to(ROOT)): find(path.read_text()) for path in paths}
    return {path: lines for path, lines in found.items() if lines}


def test_what_a_test_starts_or_waits_for_has_a_limit():
    assert found_in(TESTS, waits_for_ever) == {}


def test_nothing_is_forked():
    assert found_in(TESTS + CODE, forks) == {}


@pytest.mark.parametrize(
    'code',
    [
        'subprocess.run(command, check=True)',
        'subprocess.check_output(["ls"])',
        'process.wait()',
        'process.communicate()',
        'ranks[0].join()',
        'queue.get()',
        'future.result()',
        'dist.init_process_group("gloo")',
        'os.waitpid(child, 0)',
    ],
)
def test_a_missing_limit_is_noticed(code):
    assert waits_for_ever(code)


@pytest.mark.parametrize(
    'code',
    [
        'subprocess.run(command, timeout=60)',
        'subprocess.run(command, **options)',
        'process.wait(timeout=5)',
        'process.join(60)',
        "', '.join(names)",
        "names.get('a')",
        'dist.init_process_group("gloo", timeout=patience)',
        "multiprocessing.get_context('forkserver')",
        'multiprocessing.get_context(method)',
        'ProcessPoolExecutor(2, context)',
        'ProcessPoolExecutor(2, mp_context=context)',
    ],
)
def test_what_has_a_limit_and_does_not_fork_is_accepted(code):
    assert not waits_for_ever(code) and not forks(code)


@pytest.mark.parametrize(
    'code',
    [
        'os.fork()',
        'multiprocessing.get_context()',
        "multiprocessing.get_context('fork')",
        'multiprocessing.Process(target=work)',
        'ProcessPoolExecutor(4)',
        'subprocess.Popen(command, preexec_fn=os.setsid)',
    ],
)
def test_a_fork_is_noticed(code):
    assert forks(code)
